// What the page adds to htmx: a lost connection is told, lines come once, focus stays, long work says that it works.
"use strict";

const lost = () => document.getElementById("lost");

document.addEventListener("htmx:sseOpen", () => { if (lost()) lost().hidden = true; });
document.addEventListener("htmx:sseError", () => { if (lost()) lost().hidden = false; });
document.addEventListener("htmx:sseClose", () => { if (lost()) lost().hidden = true; });

// A browser that has to begin anew is told again what it has already shown.
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const message = event.detail;
  if (message.type === "log" && document.getElementById("log-" + message.lastEventId)) event.preventDefault();
});

// Buttons that change under the finger of somebody who uses the keyboard: the focus goes to what is there now.
let held = false;
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.detail.type === "orders") held = document.getElementById("orders").contains(document.activeElement);
});
document.addEventListener("htmx:sseMessage", (event) => {
  if (event.detail.type === "orders" && held) {
    const next = document.querySelector("#orders button, #orders a") || document.getElementById("main");
    next.focus();
  }
  if (event.detail.type === "log") {
    const log = document.getElementById("log");
    log.scrollTop = log.scrollHeight;
  }
});

// A form whose answer takes a while says so, and is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = form.querySelector("button");
  if (event.defaultPrevented || !form.dataset.busy || !button) return;
  const said = document.createElement("p");
  said.className = "help";
  said.setAttribute("role", "status");
  said.textContent = form.dataset.busy;
  form.append(said);
  setTimeout(() => { button.disabled = true; });
});
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// One box for all boxes of a name.
for (const whole of document.querySelectorAll("[data-all]")) {
  const one = whole.querySelector("input");
  const boxes = [...whole.closest("fieldset").querySelectorAll(`input[name="${whole.dataset.all}"]`)];
  const look = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    one.checked = ticked === boxes.length;
    one.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  one.addEventListener("change", () => boxes.forEach((box) => { box.checked = one.checked; }));
  boxes.forEach((box) => box.addEventListener("change", look));
  whole.hidden = boxes.length < 2;
  look();
}

// What was typed into a secret field can be looked at.
for (const field of document.querySelectorAll("[data-secret]")) {
  const label = document.createElement("label");
  const box = document.createElement("input");
  label.className = "tick";
  box.type = "checkbox";
  box.addEventListener("change", () => { field.type = box.checked ? "text" : "password"; });
  const said = document.createElement("span");
  said.textContent = "Show what is typed";
  label.append(box, said);
  field.after(label);
}

const log = document.getElementById("log");
if (log) log.scrollTop = log.scrollHeight;
