-- the shop
CREATE SCHEMA shop;
CREATE TABLE shop.t (id int PRIMARY KEY);
INSERT INTO shop.t SELECT generate_series(1, 3);
