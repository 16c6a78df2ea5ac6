SELECT E'a' -- goes on
 'b\'; c'; SELECT $t$ $$;$$ ; $t$;
-- segment
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;