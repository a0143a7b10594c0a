//! Three items with stock, so that the first order takes no preparation.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

const ITEMS: [(&str, &str, &str, i64, u32); 3] = [
    ("teapot", "Teapot, one litre", "kitchen", 2_495, 25),
    ("mug", "Mug", "kitchen", 895, 100),
    ("last-one", "The last one of its kind", "rare", 99_900, 1),
];

/// Lists the demo items and receives their stock; again changes nothing.
pub async fn demo(base_url: &str, supplier_token: &str) -> Result<()> {
    let client = reqwest::Client::new();
    for (id, name, category, price, quantity) in ITEMS {
        let item = json!({
            "name": name, "category": category, "kind": "physical", "price": {"amount": price, "currency": "EUR"},
        });
        let put = client.put(format!("{base_url}/v1/items/{id}"));
        send(put, supplier_token, &item).await?;
        let receipt = json!({
            "receiptId": format!("seed-{id}"), "location": "main", "quantity": quantity, "document": "opening stock",
        });
        let post = client.post(format!("{base_url}/v1/items/{id}/receipts"));
        send(post, supplier_token, &receipt).await?;
    }
    Ok(())
}

async fn send(request: reqwest::RequestBuilder, token: &str, body: &Value) -> Result<()> {
    let answer = request.bearer_auth(token).json(body).send().await.context("seed")?;
    let status = answer.status();
    ensure!(status.is_success(), "seed: {status} {}", answer.text().await.unwrap_or_default());
    Ok(())
}
