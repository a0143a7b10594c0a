//! What the OpenAPI documents of both APIs share. The types of the vocabulary know nothing of OpenAPI; these stand for
//! them in schemas.

use utoipa::ToSchema;

/// An amount of money.
#[derive(ToSchema)]
#[schema(as = Money)]
#[expect(dead_code, reason = "stands for schemas::Money in OpenAPI")]
pub struct MoneySchema {
    /// Integer minor units (cents, pence), between ±(2^53 − 1).
    #[schema(example = 1999)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}
