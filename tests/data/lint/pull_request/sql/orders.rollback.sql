ALTER TABLE shop.orders
  DROP CONSTRAINT orders_customer,
  DROP CONSTRAINT orders_total,
  ALTER COLUMN status DROP NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS shop.orders_status;
