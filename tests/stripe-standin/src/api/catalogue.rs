//! Customers, products and prices.

use serde_json::{Value, json};

use super::super::fields::{Done, Fields, Refusal, check_amount};
use super::super::shop::Shop;

impl Shop {
    pub(super) fn make_customer(&mut self, fields: &Fields) -> Done {
        fields.only(&["email", "metadata[customer]"])?;
        let email = fields.text("email")?;
        if !email.contains('@') {
            let message = format!("Invalid email address: {email}");
            return Err(Refusal::new(400, message).coded("invalid_request_error", "email_invalid"));
        }
        let id = self.name("cus");
        let customer = self.keep(json!({
            "id": id, "object": "customer", "email": email, "created": self.now(), "livemode": false,
            "metadata": fields.metadata(""),
        }));
        self.tell("customer.created", &customer);
        Ok(customer)
    }

    pub(super) fn delete_customer(&mut self, id: &str, fields: &Fields) -> Done {
        fields.only(&[])?;
        let customer = self.find("customer", id)?;
        let gone = self.keep(json!({"id": id, "object": "customer", "deleted": true}));
        self.tell("customer.deleted", &customer);
        Ok(gone)
    }

    pub(super) fn make_product(&mut self, fields: &Fields) -> Done {
        fields.only(&["id", "name", "description", "metadata[item]"])?;
        let (id, name) = (fields.text("id")?, fields.text("name")?);
        if self.objects.contains_key(id) {
            let message = format!("Product already exists: {id}");
            return Err(Refusal::new(400, message)
                .coded("invalid_request_error", "resource_already_exists"));
        }
        let product = self.keep(json!({
            "id": id, "object": "product", "name": name, "description": fields.get("description"), "active": true,
            "created": self.now(), "metadata": fields.metadata(""),
        }));
        self.tell("product.created", &product);
        Ok(product)
    }

    pub(super) fn change_product(&mut self, id: &str, fields: &Fields) -> Done {
        fields.only(&["name", "description", "metadata[item]"])?;
        self.find("product", id)?;
        let product = self.change(id, |product| {
            for name in ["name", "description"] {
                if let Some(value) = fields.get(name) {
                    product[name] = value.into();
                }
            }
        })?;
        self.tell("product.updated", &product);
        Ok(product)
    }

    pub(super) fn make_price(&mut self, fields: &Fields) -> Done {
        fields.only(&[
            "product",
            "currency",
            "unit_amount",
            "lookup_key",
            "transfer_lookup_key",
            "metadata[item]",
            "metadata[credits_milli]",
            "recurring[interval]",
        ])?;
        let product = fields.text("product")?;
        self.find("product", product)?;
        let currency = fields.text("currency")?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(Refusal::new(400, format!("Invalid currency: {currency}")));
        }
        let amount = fields.number("unit_amount")?;
        if amount < 0 {
            return Err(Refusal::new(
                400,
                "Invalid non-negative integer: unit_amount",
            ));
        }
        check_amount(amount, currency)?;
        fields.word("recurring[interval]", &["day", "week", "month", "year"])?;
        let key = fields.text("lookup_key")?;
        let mut others = self
            .objects
            .values_mut()
            .filter(|body| body["lookup_key"] == key);
        if let Some(other) = others.next() {
            if fields.flag("transfer_lookup_key")? != Some(true) {
                return Err(Refusal::new(400, "A price already uses that lookup key."));
            }
            other["lookup_key"] = Value::Null;
        }
        let interval = fields.get("recurring[interval]");
        let recurring = interval.map(
            |interval| json!({"interval": interval, "interval_count": 1, "usage_type": "licensed"}),
        );
        let id = self.name("price");
        let price = self.keep(json!({
            "id": id, "object": "price", "currency": currency, "unit_amount": amount, "lookup_key": key,
            "recurring": recurring, "product": product, "active": true, "created": self.now(),
            "billing_scheme": "per_unit", "metadata": fields.metadata(""),
        }));
        self.tell("price.created", &price);
        Ok(price)
    }

    pub(super) fn look_up(&self, fields: &Fields) -> Done {
        fields.only(&["lookup_keys[]", "active", "limit"])?;
        let (wanted, active) = (fields.text("lookup_keys[]")?, fields.flag("active")?);
        let found = self.objects.values().filter(|body| {
            body["lookup_key"] == wanted && active.is_none_or(|active| body["active"] == active)
        });
        let found: Vec<_> = found.cloned().collect();
        Ok(json!({"object": "list", "data": found, "has_more": false}))
    }
}
