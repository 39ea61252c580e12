-- procedural languages with other handlers, and one that is trusted
CREATE TRUSTED LANGUAGE toy HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE LANGUAGE toy2 HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler;
