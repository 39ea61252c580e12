-- functions become procedures and procedures functions, with other arguments and security
CREATE FUNCTION f(x int, b int) RETURNS int LANGUAGE sql SECURITY INVOKER AS $$SELECT x$$;
CREATE FUNCTION p(a int) RETURNS void LANGUAGE plpgsql AS $$BEGIN END$$;
CREATE PROCEDURE w() LANGUAGE sql AS 'SELECT 1';
