-- Tables of the sample platform, as a provider of messages, calls and e-mail has them.
-- `account_id` is the customer everywhere. The partitioned tables stand at the end.

CREATE TABLE platform.accounts (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    country char(2) NOT NULL,
    vat_number text,
    website text,
    billing_street text,
    billing_city text,
    billing_postal_code text,
    billing_email text,
    campaign_purpose text,
    sample_message text,
    registration_closed_on date, -- of the campaign; its purpose and sample message are not needed for ever
    routing jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    service_ended_on date
);

CREATE TABLE platform.account_holders (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES platform.accounts (id),
    full_name text,
    email text UNIQUE,
    phone_number text,
    gender text,
    job_title text,
    linkedin_url text,
    street text,
    city text,
    postal_code text,
    country char(2),
    username text UNIQUE,
    password_hash text,
    api_token_digest text,
    signature text,
    last_ip_address inet,
    last_signed_in_at timestamptz, -- from that address
    language text,
    usage jsonb,
    created_at timestamptz NOT NULL,
    service_ended_on date
);

-- Who rented which number when. `holder_id` says who ordered it and is no foreign key: this record outlives a login.
CREATE TABLE platform.numbers (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES platform.accounts (id),
    holder_id bigint,
    number text NOT NULL,
    renter_name text,
    rented_on date NOT NULL,
    released_on date,
    UNIQUE (number, rented_on)
);

CREATE TABLE platform.contacts (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES platform.accounts (id),
    introduced_by_id bigint REFERENCES platform.contacts (id),
    name text,
    email text,
    phone_number text,
    customer_reference text,
    language text,
    notes text,
    tags text[] NOT NULL DEFAULT '{}',
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    service_ended_on date
);

-- An invoice is a document of its own: it keeps the name and address it was issued to. `holder_id` says who
-- received it and is no foreign key, as billing is a system apart: an account holder can go and the invoice stay.
CREATE TABLE platform.invoices (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES platform.accounts (id),
    holder_id bigint,
    invoice_number text NOT NULL UNIQUE,
    invoiced_on date NOT NULL,
    due_on date NOT NULL,
    paid_on date,
    billing_name text NOT NULL,
    billing_email text,
    billing_position text,
    billing_address text NOT NULL,
    billing_iban text,
    currency char(3) NOT NULL,
    subtotal numeric(12, 2) NOT NULL,
    vat_percent numeric(4, 1) NOT NULL,
    vat_amount numeric(12, 2) NOT NULL,
    total numeric(12, 2) NOT NULL,
    CHECK (total = subtotal + vat_amount)
);

CREATE TABLE platform.invoice_lines (
    id bigserial PRIMARY KEY,
    invoice_id bigint NOT NULL REFERENCES platform.invoices (id),
    account_id bigint NOT NULL,
    invoiced_on date NOT NULL,
    description text NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric(10, 4) NOT NULL,
    amount numeric(12, 2) NOT NULL
);

CREATE TABLE platform.payment_methods (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES platform.accounts (id),
    holder_id bigint NOT NULL REFERENCES platform.account_holders (id),
    kind text NOT NULL CHECK (kind IN ('card', 'ideal', 'paypal')),
    card_last_four char(4),
    card_expires_on date,
    card_holder text,
    iban text,
    bic text,
    bank_account_name text,
    paypal_email text,
    is_automatic_top_up boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);

CREATE TABLE platform.leads (
    id bigserial PRIMARY KEY,
    account_id bigint REFERENCES platform.accounts (id),
    full_name text,
    email text,
    phone_number text,
    job_title text,
    company_name text,
    linkedin_url text,
    source text,
    notes text,
    created_at timestamptz NOT NULL,
    last_contact_at timestamptz NOT NULL,
    service_ended_on date
);

CREATE TABLE platform.enrichment_profiles (
    id bigserial PRIMARY KEY,
    account_id bigint REFERENCES platform.accounts (id),
    lead_id bigint REFERENCES platform.leads (id),
    holder_id bigint REFERENCES platform.account_holders (id),
    full_name text,
    phone_number text,
    role text,
    job_function text,
    seniority text,
    company_name text,
    company_description text,
    company_website text,
    company_industry text,
    company_revenue text,
    company_employees text,
    informed_on date,
    created_at timestamptz NOT NULL,
    service_ended_on date
);

CREATE TABLE platform.support_recordings (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES platform.accounts (id),
    holder_id bigint REFERENCES platform.account_holders (id),
    caller_phone_number text,
    enquiry text,
    history jsonb NOT NULL DEFAULT '[]',
    storage_key text NOT NULL,
    duration_seconds integer NOT NULL,
    created_at timestamptz NOT NULL
);

-- One row an effect of the portal on this store, written in the effect's own transaction.
CREATE TABLE platform.portal_effects (
    effect_key text PRIMARY KEY,
    counts jsonb NOT NULL,
    at timestamptz NOT NULL
);

-- The website counts its visitors in a system apart: `holder_id` says who was signed in and is no foreign key, so that
-- a month can be rewritten without names and swapped in.
CREATE SEQUENCE platform.web_visits_id_seq;
CREATE TABLE platform.web_visits (
    created_at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('platform.web_visits_id_seq'),
    account_id bigint,
    holder_id bigint,
    visitor_id uuid,
    ip_address inet,
    country char(2),
    city text,
    page text NOT NULL,
    page_order integer NOT NULL,
    browser text,
    device text,
    is_returning boolean NOT NULL,
    cookie_preferences jsonb NOT NULL
) PARTITION BY RANGE (created_at);

-- Whole months are detached and dropped: no DEFAULT partition, and no foreign key into these five.
CREATE SEQUENCE platform.messages_id_seq;
CREATE TABLE platform.messages (
    region text NOT NULL,
    created_at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('platform.messages_id_seq'),
    account_id bigint NOT NULL,
    contact_id bigint,
    country char(2), -- the end user's, where it is known
    direction text NOT NULL,
    channel text NOT NULL,
    sender text,
    recipient text,
    body text,
    attachments jsonb,
    customer_reference text,
    segments smallint NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'delivered'
) PARTITION BY LIST (region);

CREATE SEQUENCE platform.calls_id_seq;
CREATE TABLE platform.calls (
    region text NOT NULL,
    created_at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('platform.calls_id_seq'),
    account_id bigint NOT NULL,
    contact_id bigint,
    country char(2), -- the end user's, where it is known
    direction text NOT NULL,
    sender text,
    recipient text,
    duration_seconds integer NOT NULL,
    status text NOT NULL
) PARTITION BY LIST (region);

CREATE SEQUENCE platform.emails_id_seq;
CREATE TABLE platform.emails (
    region text NOT NULL,
    created_at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('platform.emails_id_seq'),
    account_id bigint NOT NULL,
    contact_id bigint,
    country char(2), -- the end user's, where it is known
    direction text NOT NULL,
    sender text,
    recipient text,
    subject text,
    body text,
    attachments jsonb,
    status text NOT NULL
) PARTITION BY LIST (region);

CREATE SEQUENCE platform.call_recordings_id_seq;
CREATE TABLE platform.call_recordings (
    region text NOT NULL,
    created_at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('platform.call_recordings_id_seq'),
    account_id bigint NOT NULL,
    call_id bigint NOT NULL,
    country char(2), -- the end user's, where it is known
    storage_key text NOT NULL,
    transcript text,
    duration_seconds integer NOT NULL
) PARTITION BY LIST (region);

CREATE SEQUENCE platform.traffic_records_id_seq;
CREATE TABLE platform.traffic_records (
    region text NOT NULL,
    created_at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('platform.traffic_records_id_seq'),
    account_id bigint NOT NULL,
    channel text NOT NULL,
    sender text,
    recipient text,
    sender_email text,
    recipient_email text,
    route text NOT NULL,
    country char(2) NOT NULL,
    location text
) PARTITION BY LIST (region);
