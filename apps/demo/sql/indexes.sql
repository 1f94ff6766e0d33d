-- Made after the rows: building an index over what lies there is far cheaper than growing it row by row.
ALTER TABLE platform.messages ADD PRIMARY KEY (region, created_at, id);
ALTER TABLE platform.calls ADD PRIMARY KEY (region, created_at, id);
ALTER TABLE platform.emails ADD PRIMARY KEY (region, created_at, id);
ALTER TABLE platform.call_recordings ADD PRIMARY KEY (region, created_at, id);
ALTER TABLE platform.traffic_records ADD PRIMARY KEY (region, created_at, id);
ALTER TABLE platform.web_visits ADD PRIMARY KEY (created_at, id);

CREATE INDEX messages_account ON platform.messages (account_id, created_at);
CREATE INDEX messages_sender ON platform.messages (sender);
CREATE INDEX messages_recipient ON platform.messages (recipient);
CREATE INDEX messages_contact ON platform.messages (contact_id);
CREATE INDEX messages_reference ON platform.messages (customer_reference);

CREATE INDEX calls_account ON platform.calls (account_id, created_at);
CREATE INDEX calls_id ON platform.calls (id);
CREATE INDEX calls_sender ON platform.calls (sender);
CREATE INDEX calls_recipient ON platform.calls (recipient);
CREATE INDEX calls_contact ON platform.calls (contact_id);

CREATE INDEX emails_account ON platform.emails (account_id, created_at);
CREATE INDEX emails_sender ON platform.emails (sender);
CREATE INDEX emails_recipient ON platform.emails (recipient);
CREATE INDEX emails_contact ON platform.emails (contact_id);

CREATE INDEX call_recordings_account ON platform.call_recordings (account_id, created_at);
CREATE INDEX call_recordings_call ON platform.call_recordings (call_id);

CREATE INDEX traffic_records_account ON platform.traffic_records (account_id, created_at);
CREATE INDEX traffic_records_sender ON platform.traffic_records (sender);
CREATE INDEX traffic_records_recipient ON platform.traffic_records (recipient);
CREATE INDEX traffic_records_sender_email ON platform.traffic_records (sender_email);
CREATE INDEX traffic_records_recipient_email ON platform.traffic_records (recipient_email);

CREATE INDEX account_holders_account ON platform.account_holders (account_id);
CREATE INDEX account_holders_phone ON platform.account_holders (phone_number);
CREATE INDEX numbers_account ON platform.numbers (account_id);
CREATE INDEX numbers_holder ON platform.numbers (holder_id);
CREATE INDEX numbers_released ON platform.numbers (released_on);
CREATE INDEX contacts_account ON platform.contacts (account_id);
CREATE INDEX contacts_email ON platform.contacts (email);
CREATE INDEX contacts_phone ON platform.contacts (phone_number);
CREATE INDEX contacts_reference ON platform.contacts (customer_reference);
CREATE INDEX contacts_introduced_by ON platform.contacts (introduced_by_id);
CREATE INDEX invoices_account ON platform.invoices (account_id, invoiced_on);
CREATE INDEX invoices_holder ON platform.invoices (holder_id);
CREATE INDEX invoices_email ON platform.invoices (billing_email);
CREATE INDEX invoice_lines_invoice ON platform.invoice_lines (invoice_id);
CREATE INDEX payment_methods_holder ON platform.payment_methods (holder_id);
CREATE INDEX payment_methods_paypal ON platform.payment_methods (paypal_email);
CREATE INDEX leads_email ON platform.leads (email);
CREATE INDEX leads_phone ON platform.leads (phone_number);
CREATE INDEX leads_last_contact ON platform.leads (last_contact_at);
CREATE INDEX enrichment_profiles_lead ON platform.enrichment_profiles (lead_id);
CREATE INDEX enrichment_profiles_holder ON platform.enrichment_profiles (holder_id);
CREATE INDEX enrichment_profiles_phone ON platform.enrichment_profiles (phone_number);
CREATE INDEX enrichment_profiles_created ON platform.enrichment_profiles (created_at);
CREATE INDEX support_recordings_holder ON platform.support_recordings (holder_id);
CREATE INDEX support_recordings_phone ON platform.support_recordings (caller_phone_number);
CREATE INDEX support_recordings_created ON platform.support_recordings (created_at);
CREATE INDEX web_visits_holder ON platform.web_visits (holder_id);
CREATE INDEX accounts_service_ended ON platform.accounts (service_ended_on);
CREATE INDEX account_holders_service_ended ON platform.account_holders (service_ended_on);
CREATE INDEX contacts_service_ended ON platform.contacts (service_ended_on);
CREATE INDEX invoice_lines_account ON platform.invoice_lines (account_id);
CREATE INDEX invoice_lines_invoiced ON platform.invoice_lines (invoiced_on);
CREATE INDEX payment_methods_account ON platform.payment_methods (account_id);
CREATE INDEX payment_methods_withdrawn ON platform.payment_methods (withdrawn_at);
CREATE INDEX payment_methods_created ON platform.payment_methods (created_at);
CREATE INDEX leads_account ON platform.leads (account_id);
CREATE INDEX enrichment_profiles_account ON platform.enrichment_profiles (account_id);
CREATE INDEX support_recordings_account ON platform.support_recordings (account_id);
CREATE INDEX web_visits_account ON platform.web_visits (account_id);
CREATE INDEX accounts_registration_closed ON platform.accounts (registration_closed_on);
CREATE INDEX account_holders_signed_in ON platform.account_holders (last_signed_in_at);
CREATE INDEX leads_service_ended ON platform.leads (service_ended_on);
CREATE INDEX enrichment_profiles_service_ended ON platform.enrichment_profiles (service_ended_on);
