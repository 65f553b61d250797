//! The provider's products and prices, taken in as they are there now.

use serde_json::Value;

use super::super::catalogue::CatalogueSource;
use super::super::entity::EventState;
use super::super::objects::{PriceObject, is_deleted};
use super::super::offers::Offer;
use super::super::provider::Kind;
use super::super::store::{self, Told};
use super::{Closing, READS, is_outpaced, outpaced};
use crate::db::Tx;
use crate::error::Result;
use crate::in_transaction;

/// `kind` is a product or a price.
pub(super) async fn apply(closing: &Closing<'_>, kind: Kind, id: &str) -> Result<()> {
    let core = closing.core;
    let billing = closing.billing()?;
    let mut reads = 1;
    loop {
        let version = store::version_of(core.db(), id).await?;
        let body = billing.provider()?.read(core, kind, id).await?;
        let body = body.filter(|body| !is_deleted(body));
        match keep(closing, (kind, id, body.as_ref()), version).await {
            Err(error) if is_outpaced(&error) && reads < READS => reads += 1,
            done => {
                billing.forget_catalogue();
                return done;
            }
        }
    }
}

async fn keep(
    closing: &Closing<'_>,
    (kind, id, body): (Kind, &str, Option<&Value>),
    version: i64,
) -> Result<()> {
    let core = closing.core;
    let billing = closing.billing()?;
    let shelf = Shelf {
        provider: billing.provider()?.name(),
        elects: billing.settings.catalogue == CatalogueSource::Provider,
        now: core.now(),
    };
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        // One at a time: a price is read together with its product.
        store::lock_name(tx, "catalogue").await?;
        if !store::advance_version(tx, id, version).await? {
            return Err(outpaced());
        }
        match (kind, body) {
            (Kind::Product, Some(body)) => shelf.product(tx, id, body).await?,
            (Kind::Product, None) => {
                store::retire_product(tx, shelf.provider, id, shelf.now).await?;
            }
            (_, Some(body)) => shelf.price(tx, body).await?,
            (_, None) => store::retire_price(tx, shelf.provider, (id, None), shelf.elects).await?,
        }
        closing.end(tx, EventState::Done).await
    })
}

struct Shelf {
    provider: &'static str,
    elects: bool,
    now: crate::clock::Timestamp,
}

impl Shelf {
    /// A product with the prices that are known of it: what it says may have changed what they bring.
    async fn product(&self, tx: &mut Tx, id: &str, body: &Value) -> Result<()> {
        store::keep_product(tx, self.provider, (id, body), self.now).await?;
        for price in store::prices_of_product(tx.conn(), self.provider, id).await? {
            self.offer(tx, &price, body).await?;
        }
        Ok(())
    }

    /// A price, which was read with its product.
    async fn price(&self, tx: &mut Tx, body: &Value) -> Result<()> {
        let product = body.get("product").cloned().unwrap_or_default();
        let mut plain = body.clone();
        if let Some(id) = product.get("id").and_then(Value::as_str) {
            store::keep_product(tx, self.provider, (id, &product), self.now).await?;
            plain["product"] = id.into();
        }
        self.offer(tx, &plain, &product).await
    }

    async fn offer(&self, tx: &mut Tx, price: &Value, product: &Value) -> Result<()> {
        let told = PriceObject::read(price)?;
        let Some(offer) = Offer::read(price, product)? else {
            tracing::warn!(
                price = told.id,
                "a price is of a kind that cannot be sold here"
            );
            let retired = (told.id.as_str(), Some(price));
            return store::retire_price(tx, self.provider, retired, self.elects).await;
        };
        let told = Told {
            offer: &offer,
            product: &told.product,
            body: price,
            made_at: told.created_at,
        };
        store::keep_offer(tx, self.provider, told, self.elects).await
    }
}
