//! A postal address, and a place on the globe, as a body names them.

use edge::{
    Fields, Node,
    fields::{Read as _, list, text},
};
use schemas::{order::Address, warehouse::Coordinates};
use utoipa::ToSchema;

/// A postal address.
#[derive(ToSchema)]
#[schema(as = Address, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes schemas::order::Address")]
pub(crate) struct AddressDoc {
    /// Who receives it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Street and number, one to four lines.
    #[schema(min_items = 1, max_items = 4)]
    lines: Vec<String>,
    /// City or town.
    #[schema(min_length = 1, max_length = 100)]
    city: String,
    /// Postal code.
    #[schema(min_length = 1, max_length = 20)]
    postal_code: Option<String>,
    /// State, county or province.
    #[schema(min_length = 1, max_length = 100)]
    region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// For the carrier.
    #[schema(min_length = 3, max_length = 40)]
    phone: Option<String>,
    /// Degrees, north is positive; with `longitude`. So a near warehouse ships.
    #[schema(minimum = -90, maximum = 90)]
    latitude: Option<f64>,
    /// Degrees, east is positive; with `latitude`.
    #[schema(minimum = -180, maximum = 180)]
    longitude: Option<f64>,
}

/// The fields of a postal address.
pub(crate) fn address(fields: &mut Fields<'_>) -> Option<Address> {
    let name = fields.get("name", text(1..=200));
    let lines = fields.get("lines", list(1..=4, text(1..=200)));
    let city = fields.get("city", text(1..=100));
    let postal_code = fields.opt("postalCode", text(1..=20));
    let region = fields.opt("region", text(1..=100));
    let country = fields.get("country", |node: &Node<'_>| {
        let country = text(2..=2).read(node)?;
        let sound = country.bytes().all(|byte| byte.is_ascii_uppercase());
        if sound { Some(country) } else { node.fault("invalid_country", "must be two capital letters, ISO 3166-1") }
    });
    let phone = fields.opt("phone", text(3..=40));
    let latitude = fields.opt("latitude", degrees(90));
    let longitude = fields.opt("longitude", degrees(180));
    match (fields.has("latitude"), fields.has("longitude")) {
        (true, false) => return fields.fault("longitude", "missing", "is required with latitude"),
        (false, true) => return fields.fault("latitude", "missing", "is required with longitude"),
        (true, true) | (false, false) => {}
    }
    let coordinates = latitude
        .zip(longitude)
        .map(|(latitude_micro, longitude_micro)| Coordinates { latitude_micro, longitude_micro });
    Some(Address {
        name: name?,
        lines: lines?,
        city: city?,
        postal_code,
        region,
        country: country?,
        phone,
        coordinates,
    })
}

/// Degrees from −`most` to `most`, as millionths of a degree: 11 cm.
pub(crate) fn degrees(most: i32) -> impl edge::fields::Read<i32> {
    move |node: &Node<'_>| match node.value().as_f64() {
        None => node.fault("not_a_number", "must be a number of degrees"),
        Some(degrees) if degrees.abs() <= f64::from(most) => Some((degrees * 1e6).round() as i32),
        Some(_) => node.fault("out_of_range", format!("must be from -{most} to {most}")),
    }
}
