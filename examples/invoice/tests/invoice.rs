use invoice::{format_cents, Invoice, Line};

fn invoice(lines: &[(&str, u64, u64)]) -> Invoice {
    let mut invoice = Invoice::new();
    for (product, quantity, unit_price) in lines {
        invoice.add(Line::new(product, *quantity, *unit_price));
    }
    invoice
}

#[test]
fn an_empty_invoice_costs_nothing() {
    assert_eq!(invoice(&[]).total(), 0);
}

#[test]
fn a_few_pieces_cost_the_full_price() {
    assert_eq!(Line::new("pencil", 9, 100).total(), 900);
}

#[test]
fn ten_pieces_get_the_volume_discount() {
    assert_eq!(Line::new("pencil", 10, 100).total(), 950);
}

#[test]
fn many_pieces_get_the_volume_discount() {
    assert_eq!(Line::new("pencil", 200, 100).total(), 19_000);
}

#[test]
fn goods_of_exactly_100_still_pay_shipping() {
    assert_eq!(invoice(&[("chair", 1, 10_000)]).shipping(), 490);
    assert_eq!(invoice(&[("chair", 1, 10_001)]).shipping(), 0);
}

#[test]
fn tax_is_taken_of_goods_and_shipping() {
    let invoice = invoice(&[("notebook", 2, 255), ("ruler", 1, 199)]);
    assert_eq!(invoice.tax(), 240);
    let total = format_cents(invoice.total());
    assert_eq!(total, "14.39", "Invoice::total: goods 7.09, shipping 4.90 and tax 2.40");
}
