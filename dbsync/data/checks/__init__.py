"""What ``validate`` holds against each other beyond what a plan needs: two structures, rule by rule."""
