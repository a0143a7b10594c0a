//! What the OpenAPI documents of both APIs share. The types of the vocabulary know nothing of OpenAPI; these stand for
//! them in schemas.

use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, HeaderBuilder, ObjectBuilder, OneOfBuilder, OpenApi, PathItem, RefOr, Required, Response, Schema,
        SecurityRequirement, Type,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::SchemaType,
    },
};

const PROBLEM: &str = "application/problem+json";

/// An id of the vocabulary, where a caller names one.
pub struct IdSchema;

impl PartialSchema for IdSchema {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some("^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")).build().into()
    }
}

impl ToSchema for IdSchema {
    fn name() -> Cow<'static, str> {
        "Id".into()
    }
}

/// Writes into a document what holds for every call and is not said at each: its faults are problems, and what writes
/// takes a token.
pub fn conventions(document: &mut OpenApi) {
    for path in document.paths.paths.values_mut() {
        if let Some(operation) = &mut path.get {
            responses(operation);
            parameters(operation);
        }
        for operation in writing(path) {
            responses(operation);
            parameters(operation);
            body(operation);
            operation.security.get_or_insert_with(|| vec![SecurityRequirement::new("bearer", [""; 0])]);
        }
    }
}

/// Writes into a document of commands only what every command takes and answers: `Prefer`, 202, and the position.
pub fn commands(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(writing) {
        let prefer = ParameterBuilder::new()
            .name("Prefer")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("`wait=N`: seconds to wait for the outcome; `respond-async`: 202 at once."))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(prefer));
        let answers = &mut operation.responses.responses;
        for response in answers.values_mut() {
            let RefOr::T(response) = response else { continue };
            let position = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .description(Some("For `Stockfold-At-Least` of a GET: how far its view must be."))
                .build();
            response.headers.insert("Stockfold-Position".to_owned(), RefOr::T(position));
        }
        accept(answers.entry("202".to_owned()).or_insert_with(|| RefOr::T(Response::new(""))));
    }
}

/// The body of a 202 where the client did not want to wait.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what command-api writes")]
struct Accepted {
    /// `accepted`.
    status: String,
    /// As the header of that name.
    location: String,
}

/// Writes into a 202 what `respond-async` makes of it, besides what the operation itself answers with that status.
fn accept(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let own = std::mem::take(&mut response.description);
    // Nobody knows a position of what was not waited for.
    let taken = "Taken, as `respond-async` asks: with `Location`, where it will show, and without `Stockfold-Position`, \
                 as nothing is written yet. The same request again without `respond-async` waits for the answer.";
    response.description = if own.is_empty() { taken.to_owned() } else { format!("{own}. Or: {taken}") };
    let location = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some("Of `respond-async`: where what was asked for will show."))
        .build();
    response.headers.insert("Location".to_owned(), RefOr::T(location));
    let content = response.content.entry("application/json".to_owned()).or_insert_with(|| RefOr::T(Content::default()));
    let RefOr::T(content) = content else { return };
    content.schema = Some(match content.schema.take() {
        Some(own) => OneOfBuilder::new().item(own).item(Accepted::schema()).into(),
        None => Accepted::schema(),
    });
}

fn writing(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.put, &mut path.post, &mut path.delete, &mut path.patch].into_iter().flatten()
}

/// What parameters are made of, as far as it is the same wherever they stand: ids, idempotency keys; and none is null.
fn parameters(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
            && schema.schema_type == SchemaType::Array(vec![Type::String, Type::Null])
        {
            schema.schema_type = SchemaType::Type(Type::String);
        }
        if parameter.name == "Idempotency-Key" {
            let text = ObjectBuilder::new().schema_type(Type::String);
            parameter.schema = Some(text.min_length(Some(1)).max_length(Some(255)).build().into());
        }
        let is_id = parameter.name.ends_with("Id") || parameter.name == "location";
        if parameter.parameter_in == ParameterIn::Path && is_id {
            parameter.schema = Some(IdSchema::schema());
        }
    }
}

/// A body that may be left out is not null.
fn body(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        let Some(RefOr::T(Schema::OneOf(choice))) = &mut content.schema else { continue };
        choice.items.retain(|item| !is_null(item));
        if choice.items.len() == 1 {
            content.schema = choice.items.pop();
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

fn responses(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status == "default" {
            as_problem(response);
        } else if response.description.is_empty() {
            "Done.".clone_into(&mut response.description);
        }
    }
}

fn as_problem(response: &mut Response) {
    if response.description.is_empty() {
        "A problem.".clone_into(&mut response.description);
    }
    if let Some(content) = response.content.swap_remove("application/json") {
        response.content.insert(PROBLEM.to_owned(), content);
    }
}

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

/// A cart: what stands in it, with what the items say now.
#[derive(ToSchema)]
#[schema(as = Cart, rename_all = "camelCase")]
#[expect(dead_code, reason = "stands for what read-model shows of a cart, of which both APIs answer")]
pub struct CartSchema {
    /// One per item, ordered by it.
    lines: Vec<CartLineSchema>,
    /// What the lines cost now; null while a price is not known, or prices are in more than one currency.
    total: Option<MoneySchema>,
    /// The order whose checkout locks the lines.
    locked_by: Option<String>,
}

/// A line of a cart.
#[derive(ToSchema)]
#[schema(as = ShownCartLine, rename_all = "camelCase")]
#[expect(dead_code, reason = "stands for what read-model shows of a cart")]
struct CartLineSchema {
    /// What.
    item_id: String,
    /// What it is called; null where the item was never listed.
    name: Option<String>,
    /// How many.
    quantity: u32,
    /// The price of one unit now.
    price: Option<MoneySchema>,
    /// The price that the shopper saw: a checkout is refused if it is another then.
    expected_unit_price: Option<MoneySchema>,
    /// Units that this shopper can have, with those that their own open checkouts hold; null for a digital item.
    available: Option<u64>,
    /// What was wrong with the line at the last checkout; a change of the line clears it.
    flags: Vec<CartFlagSchema>,
}

/// What was wrong with a line: `insufficient_stock` with `available`, `price_changed` with `price`, `item_unavailable`, or
/// `checkout_expired`.
#[derive(ToSchema)]
#[schema(as = CartFlag)]
#[expect(dead_code, reason = "stands for what read-model shows of a cart")]
struct CartFlagSchema {
    code: String,
    available: Option<u64>,
    price: Option<MoneySchema>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[utoipa::path(post, path = "/things/{location}", request_body = Option<MoneySchema>,
        params(("location" = String, Path), ("Idempotency-Key" = Option<String>, Header), ("since" = Option<String>, Query)))]
    #[expect(dead_code, reason = "described, never called")]
    fn post() {}

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(post))]
    struct Document;

    #[test]
    fn says_what_parameters_and_bodies_are_made_of() {
        let mut document = <Document as utoipa::OpenApi>::openapi();
        conventions(&mut document);
        let document = serde_json::to_value(document).expect("JSON");
        let operation = &document["paths"]["/things/{location}"]["post"];
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Money"}}});
        assert_eq!(operation["requestBody"], json!({"content": content}), "it may be left out, and is not null");
        let parameters = &operation["parameters"];
        let schemas: Vec<&Value> = (0..3).map(|at| &parameters[at]["schema"]).collect();
        assert_eq!(schemas[0]["pattern"], "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$");
        assert_eq!(schemas[1], &json!({"type": "string", "minLength": 1, "maxLength": 255}));
        assert_eq!(schemas[2], &json!({"type": "string"}));
    }
}
