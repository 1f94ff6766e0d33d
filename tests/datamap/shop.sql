-- A small shop with two tenants, made to hold what is hard: shared rows, composite keys, partitions, cycles, documents.
CREATE SCHEMA shop AUTHORIZATION portal_app;
SET ROLE portal_app;
SET search_path = shop;
CREATE TABLE portal_effects (effect_key text PRIMARY KEY, counts jsonb NOT NULL, at timestamptz NOT NULL);
CREATE TABLE addresses (id bigint PRIMARY KEY, account_id bigint NOT NULL, street text, city text);
CREATE TABLE people (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, email text, phone text, full_name varchar(40) NOT NULL,
    address_id bigint REFERENCES addresses, referred_by bigint REFERENCES people, balance numeric(10, 2),
    created_at timestamptz NOT NULL DEFAULT '2026-01-01'
);
CREATE INDEX ON people (email);
CREATE INDEX ON people (phone);
CREATE INDEX ON people (account_id);
CREATE TABLE products (id bigint PRIMARY KEY, name text);
CREATE TABLE orders (
    id text PRIMARY KEY, account_id bigint NOT NULL, person_id bigint NOT NULL REFERENCES people,
    ship_to bigint REFERENCES addresses, placed_at timestamptz NOT NULL DEFAULT '2026-01-01'
);
CREATE INDEX ON orders (person_id);
CREATE TABLE order_items (
    order_id text REFERENCES orders, item_no int, account_id bigint NOT NULL, product_id bigint REFERENCES products,
    PRIMARY KEY (order_id, item_no)
);
CREATE TABLE invoices (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, person_id bigint REFERENCES people, holder text, issued_on date NOT NULL
);
CREATE INDEX ON invoices (person_id);
CREATE TABLE logins (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, email varchar(60) NOT NULL UNIQUE, nickname text NOT NULL,
    last_ip inet, token text, CHECK (nickname <> '')
);
CREATE TABLE profiles (
    id uuid PRIMARY KEY, account_id bigint NOT NULL, person_id text, data jsonb NOT NULL DEFAULT '{}', mails text[], note text
);
CREATE TABLE nodes (id bigint PRIMARY KEY, account_id bigint NOT NULL, owner_email text, next_id bigint);
CREATE TABLE islands (id bigint PRIMARY KEY, account_id bigint NOT NULL, secret text);
CREATE TABLE catalogue (id bigint PRIMARY KEY, email text);
CREATE TABLE messages (
    region text NOT NULL, created_at timestamptz NOT NULL, id bigint NOT NULL, account_id bigint NOT NULL,
    sender text, recipient text, body text, PRIMARY KEY (region, created_at, id)
) PARTITION BY LIST (region);
CREATE TABLE messages_eea PARTITION OF messages FOR VALUES IN ('eea') PARTITION BY RANGE (created_at);
CREATE TABLE messages_eea_1 PARTITION OF messages_eea FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE messages_eea_2 PARTITION OF messages_eea FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
CREATE TABLE messages_other PARTITION OF messages FOR VALUES IN ('other');
CREATE INDEX ON messages (sender);
CREATE INDEX ON messages (recipient);
CREATE TABLE attachments (id bigint PRIMARY KEY, account_id bigint NOT NULL, message_id bigint NOT NULL, file text);
CREATE VIEW directory AS SELECT id, account_id, email, full_name FROM people;

INSERT INTO addresses VALUES (1, 1001, 'Elm 1', 'Delft'), (2, 1001, 'Oak 2', 'Delft'), (3, 1002, 'Elm 1', 'Delft');
INSERT INTO people VALUES
    (10, 1001, 'ann@example.org', '+31612345678', 'Ann', 1, NULL, 12.50),
    (11, 1001, 'bob@example.org', '+31687654321', 'Bob', 1, 10, 0),
    (12, 1001, 'cat@example.org', NULL, 'Cat', 2, NULL, 0),
    (20, 1002, 'ann@example.org', '+31612345678', 'Ann', 3, NULL, 7);
INSERT INTO products VALUES (1, 'Bell'), (2, 'Whistle');
INSERT INTO orders VALUES ('a1', 1001, 10, 1), ('a2', 1001, 10, 2), ('b1', 1001, 11, 2), ('g1', 1002, 20, 3);
INSERT INTO order_items VALUES
    ('a1', 1, 1001, 1), ('a1', 2, 1001, 2), ('a2', 1, 1001, 1), ('b1', 1, 1001, 1), ('g1', 1, 1002, 2);
INSERT INTO invoices VALUES (1, 1001, 10, 'Ann', '2026-02-01'), (2, 1001, 11, 'Bob', '2026-02-01'), (3, 1002, 20, 'Ann', '2026-02-01');
INSERT INTO logins VALUES (1, 1001, 'ann@example.org', 'annie', '192.0.2.1', 't1'), (2, 1001, 'bob@example.org', 'bobby', NULL, 't2');
INSERT INTO profiles VALUES
    ('00000000-0000-0000-0000-000000000001', 1001, '10', '{"contact": {"email": "a@x.org", "phones": ["+31612345678", "+1"]}}', NULL, 'n'),
    ('00000000-0000-0000-0000-000000000002', 1001, NULL, '{"cards": [{"mail": "ann@example.org", "no": 1}, {"mail": "z@x.org", "no": 2}]}', NULL, 'n'),
    ('00000000-0000-0000-0000-000000000003', 1001, NULL, '{}', '{zoe@x.org,ann@example.org}', 'n'),
    ('00000000-0000-0000-0000-000000000004', 1002, '20', '{"contact": {"phones": ["+31612345678"]}}', '{ann@example.org}', 'n');
INSERT INTO nodes VALUES (1, 1001, 'ann@example.org', 2), (2, 1001, NULL, 3), (3, 1001, NULL, 1), (4, 1001, NULL, 4), (5, 1002, NULL, 1);
INSERT INTO islands VALUES (1, 1001, 's');
INSERT INTO catalogue VALUES (1, 'ann@example.org');
INSERT INTO messages VALUES
    ('eea', '2026-02-01 10:00:00.123456+00', 1, 1001, '+31687654321', '+31612345678', 'hi'),
    ('eea', '2026-08-01 10:00+00', 2, 1001, '+31612345678', '+31687654321', 'back'),
    ('other', '2026-08-01 10:00+00', 3, 1001, '+15550001', '+31612345678', 'far'),
    ('eea', '2026-02-01 10:00:00.123456+00', 4, 1001, '+31687654321', '+15550001', 'not hers'),
    ('eea', '2026-02-01 10:00+00', 1, 1002, '+31687654321', '+31612345678', 'globex');
INSERT INTO attachments VALUES (1, 1001, 1, 'x'), (2, 1001, 4, 'y'), (3, 1002, 1, 'z');
