SELECT E'a' -- goes on
-- segment
'b\'; SELECT 2