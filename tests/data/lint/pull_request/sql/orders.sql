CREATE INDEX orders_status ON shop.orders (status);
ALTER TABLE shop.orders ALTER COLUMN status SET NOT NULL;
ALTER TABLE shop.orders
  ADD CONSTRAINT orders_total CHECK (total >= 0);
ALTER TABLE shop.orders
  ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES shop.customers (id);
ALTER TABLE shop.orders
  ADD COLUMN token uuid DEFAULT gen_random_uuid();
