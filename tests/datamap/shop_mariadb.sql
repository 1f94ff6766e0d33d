-- The small shop of shop.sql as far as MariaDB can hold it: no arrays, no inet, months without partitions.
CREATE TABLE addresses (id bigint PRIMARY KEY, account_id bigint NOT NULL, street text, city text);
CREATE TABLE people (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, email varchar(200), phone varchar(40), full_name varchar(40) NOT NULL,
    address_id bigint, referred_by bigint, balance decimal(10, 2), created_at datetime(6) NOT NULL DEFAULT '2026-01-01',
    KEY (email), KEY (phone), KEY (account_id), KEY (created_at),
    FOREIGN KEY (address_id) REFERENCES addresses (id), FOREIGN KEY (referred_by) REFERENCES people (id)
);
CREATE TABLE products (id bigint PRIMARY KEY, name text);
CREATE TABLE orders (
    id varchar(40) PRIMARY KEY, account_id bigint NOT NULL, person_id bigint NOT NULL, ship_to bigint,
    placed_at timestamp NOT NULL DEFAULT '2026-01-01 00:00:00',
    FOREIGN KEY (person_id) REFERENCES people (id), FOREIGN KEY (ship_to) REFERENCES addresses (id)
);
CREATE TABLE order_items (
    order_id varchar(40), item_no int, account_id bigint NOT NULL, product_id bigint, PRIMARY KEY (order_id, item_no),
    FOREIGN KEY (order_id) REFERENCES orders (id), FOREIGN KEY (product_id) REFERENCES products (id)
);
CREATE TABLE invoices (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, person_id bigint, holder text, issued_on date NOT NULL,
    FOREIGN KEY (person_id) REFERENCES people (id)
);
CREATE TABLE logins (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, email varchar(60) NOT NULL UNIQUE, nickname varchar(60) NOT NULL,
    last_ip varchar(45), token text, CHECK (nickname <> '')
);
CREATE TABLE profiles (
    id uuid PRIMARY KEY, account_id bigint NOT NULL, person_id varchar(20), data json NOT NULL DEFAULT '{}',
    mails json, note text
);
CREATE TABLE nodes (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, owner_email varchar(200), next_id bigint
);
CREATE TABLE islands (id bigint PRIMARY KEY, account_id bigint NOT NULL, secret text);
CREATE TABLE catalogue (id bigint PRIMARY KEY, email varchar(200));
CREATE TABLE messages (
    region varchar(10) NOT NULL, created_at datetime(6) NOT NULL, id bigint NOT NULL, account_id bigint NOT NULL,
    sender varchar(40), recipient varchar(40), body text, PRIMARY KEY (region, created_at, id),
    KEY (sender), KEY (recipient), KEY (created_at)
);
CREATE TABLE attachments (id bigint PRIMARY KEY, account_id bigint NOT NULL, message_id bigint NOT NULL, file text);

INSERT INTO addresses VALUES (1, 1001, 'Elm 1', 'Delft'), (2, 1001, 'Oak 2', 'Delft'), (3, 1002, 'Elm 1', 'Delft');
INSERT INTO people (id, account_id, email, phone, full_name, address_id, referred_by, balance) VALUES
    (10, 1001, 'ann@example.org', '+31612345678', 'Ann', 1, NULL, 12.50),
    (11, 1001, 'bob@example.org', '+31687654321', 'Bob', 1, NULL, 0),
    (12, 1001, 'cat@example.org', NULL, 'Cat', 2, NULL, 0),
    (13, 1001, 'ANN@example.org', NULL, 'Another Ann', 2, NULL, 0),
    (20, 1002, 'ann@example.org', '+31612345678', 'Ann', 3, NULL, 7);
INSERT INTO products VALUES (1, 'Bell'), (2, 'Whistle');
INSERT INTO orders (id, account_id, person_id, ship_to) VALUES
    ('a1', 1001, 10, 1), ('a2', 1001, 10, 2), ('b1', 1001, 11, 2), ('g1', 1002, 20, 3);
INSERT INTO order_items VALUES
    ('a1', 1, 1001, 1), ('a1', 2, 1001, 2), ('a2', 1, 1001, 1), ('b1', 1, 1001, 1), ('g1', 1, 1002, 2);
INSERT INTO invoices VALUES (1, 1001, 10, 'Ann', '2026-02-01'), (2, 1001, 11, 'Bob', '2026-02-01'), (3, 1002, 20, 'Ann', '2026-02-01');
INSERT INTO logins VALUES (1, 1001, 'ann@example.org', 'annie', '192.0.2.1', 't1'), (2, 1001, 'bob@example.org', 'bobby', NULL, 't2');
INSERT INTO profiles VALUES
    ('00000000-0000-0000-0000-000000000001', 1001, '10', '{"contact": {"email": "a@x.org", "phones": ["+31612345678", "+1"]}}', NULL, 'n'),
    ('00000000-0000-0000-0000-000000000002', 1001, NULL, '{"cards": [{"mail": "ann@example.org", "no": 1}, {"mail": "z@x.org", "no": 2}]}', NULL, 'n'),
    ('00000000-0000-0000-0000-000000000003', 1001, NULL, '{}', '["zoe@x.org", "ann@example.org"]', 'n'),
    ('00000000-0000-0000-0000-000000000004', 1002, '20', '{"contact": {"phones": ["+31612345678"]}}', '["ann@example.org"]', 'n');
INSERT INTO nodes VALUES (1, 1001, 'ann@example.org', 2), (2, 1001, NULL, 3), (3, 1001, NULL, 1), (4, 1001, NULL, 4), (5, 1002, NULL, 1);
INSERT INTO islands VALUES (1, 1001, 's');
INSERT INTO catalogue VALUES (1, 'ann@example.org');
INSERT INTO messages VALUES
    ('eea', '2026-02-01 10:00:00.123456', 1, 1001, '+31687654321', '+31612345678', 'hi'),
    ('eea', '2026-08-01 10:00', 2, 1001, '+31612345678', '+31687654321', 'back'),
    ('other', '2026-08-01 10:00', 3, 1001, '+15550001', '+31612345678', 'far'),
    ('eea', '2026-02-01 10:00:00.123456', 4, 1001, '+31687654321', '+15550001', 'not hers'),
    ('eea', '2026-02-01 10:00', 1, 1002, '+31687654321', '+31612345678', 'globex');
INSERT INTO attachments VALUES (1, 1001, 1, 'x'), (2, 1001, 4, 'y'), (3, 1002, 1, 'z');
