//! Quotes over small markets.
#![allow(clippy::unwrap_used)]

use super::*;
use rayswarm_model::{
    Frames, NodeId, RenderSettings, Resolution, Slice, TaskId, TaskSpec, UnixMillis, settings::Device,
};

fn offer(seed: u8, wu_per_second: u64, price: u128) -> Offer {
    Offer {
        node: NodeId::from_bytes([seed; 32]),
        account: Default::default(),
        engines: vec![],
        threads: 1,
        memory: Bytes(1 << 30),
        benchmark_milli_wu: wu_per_second * 1000,
        price: WorkPrice {
            per_wu_hour: Amount(price * 3_600_000),
        },
        device: Device::Cpu,
        sandboxed: true,
        commands: None,
        issued_at: UnixMillis(0),
    }
}

fn plan(frames: i32, wu: u64) -> Plan {
    let resolution = Resolution {
        width: 1920,
        height: 1080,
    };
    let frames = Frames::range(1, frames, 1).unwrap();
    let task = |(id, frame): (u64, &i32)| TaskSpec {
        id: TaskId(id),
        frame: *frame,
        tile: resolution.whole(),
        slice: Slice::whole(64),
        work: Work { milli_wu: wu * 1000 },
    };
    Plan {
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        settings: RenderSettings {
            resolution,
            samples: 64,
            renderer_override: None,
            allowed_missing: vec![],
            options: vec![],
        },
        tiles: vec![resolution.whole()],
        tile_padding: 0,
        slices: vec![Slice::whole(64)],
        sequential: false,
        tasks: (0u64..).zip(frames.as_slice()).map(task).collect(),
        frames,
    }
}

fn request<'a>(plan: &'a Plan, offers: &'a [Offer]) -> QuoteRequest<'a> {
    QuoteRequest {
        plan,
        error_permille: 200,
        offers,
        channels: 15,
        scene: Bytes(1000),
        setup: Duration::from_secs(5),
        audits: AuditRate::default(),
        adaptive_sampling: false,
    }
}

#[test]
fn two_equal_providers_take_half_the_time() {
    let (plan, offers) = (plan(48, 3), [offer(1, 1, 2), offer(2, 1, 2)]);
    let quote = quote(&request(&plan, &offers)).unwrap();
    assert_eq!(quote.work.milli_wu, 144_000);
    // Twenty first tasks and a quarter of 28, 5 % each of 3 WU: 27 × 150.
    assert_eq!(quote.audit_work.milli_wu, 4_050);
    assert_eq!(quote.price, Amount(2 * 148_050));
    assert_eq!((quote.price_low, quote.price_high), (quote.price, quote.price));
    // 5 s setup, 148.05 WU / 2, half a frame.
    assert_eq!(quote.time_ms, 5_000 + 74_025 + 1_500);
    assert_eq!(
        (quote.time_low_ms, quote.time_high_ms),
        (5_000 + 60_420, 5_000 + 90_630)
    );
    assert_eq!(quote.result_bytes, Bytes(48 * 1920 * 1080 * 15 * 4));
    assert_eq!(quote.scene_bytes, Bytes(2000));
}

#[test]
fn the_price_ranges_from_the_cheapest_to_the_dearest() {
    let (plan, offers) = (plan(100, 10), [offer(1, 1, 10), offer(2, 3, 2)]);
    let quote = quote(&request(&plan, &offers)).unwrap();
    assert!(quote.price_low < quote.price && quote.price < quote.price_high);
    // A quarter of the work at 10, three quarters at 2: four on average.
    let payable = u128::from(quote.work.milli_wu + quote.audit_work.milli_wu);
    assert!(quote.price.0.abs_diff(4 * payable) < 10);
    assert_eq!(quote.price_high, Amount(10 * payable));
    assert_eq!(quote.price_cap, offers[0].price);
}

#[test]
fn audits_settle_near_one_and_a_quarter_per_cent() {
    let (plan, offers) = (plan(7800, 10), [offer(1, 1, 1), offer(2, 1, 1)]);
    let quote = quote(&request(&plan, &offers)).unwrap();
    let share = permille(quote.audit_work.milli_wu, quote.work.milli_wu);
    assert_eq!(share, 12);
    assert_eq!(quote.tasks, 7800);
}

#[test]
fn more_providers_than_tasks_do_not_help() {
    let (plan, offers) = (plan(2, 10), [offer(1, 1, 1), offer(2, 2, 1), offer(3, 4, 1)]);
    let quote = quote(&request(&plan, &offers)).unwrap();
    assert_eq!(quote.providers, 2);
    assert!(quote.assumptions.contains(&Assumption::FewTasks { useful: 2 }));
    assert!(quote.time_ms >= 5_000 + 2_500);
}

#[test]
fn budget_and_deadline_are_checked_with_a_sentence() {
    let (plan, offers) = (plan(48, 300), [offer(1, 1, 1)]);
    let quote = quote(&request(&plan, &offers)).unwrap();
    assert!(quote.check_budget(quote.price_high).is_ok());
    let error = quote.check_budget(Amount(5)).unwrap_err().to_string();
    assert!(
        error.starts_with("the budget 0.000000000000000005 is below the price 0.0000000000"),
        "{error}"
    );
    assert!(quote.check_deadline(Duration::from_secs(5 * 3600)).is_ok());
    let error = quote.check_deadline(Duration::from_secs(7200)).unwrap_err().to_string();
    assert!(
        error.contains("deadline of 2 h 0 min is earlier than the job can be done, about 4 h 7 min"),
        "{error}"
    );
}

#[test]
fn nobody_to_render_is_said() {
    let plan = plan(1, 1);
    assert_eq!(quote(&request(&plan, &[])).unwrap_err(), QuoteError::NoProviders);
}

#[test]
fn a_budget_buys_as_many_providers_as_it_covers() {
    let (plan, offers) = (plan(100, 10), [offer(1, 1, 10), offer(2, 3, 2), offer(3, 1, 3)]);
    let all = request(&plan, &offers);
    let dearest = quote(&all).unwrap().price_high;
    let within = |budget| quote_within(&all, budget).map(|quote| (quote.providers, quote.price_cap));
    assert_eq!(within(None), Ok((3, offers[0].price)));
    assert_eq!(within(Some(dearest)), Ok((3, offers[0].price)));
    let less = Amount(dearest.0 - 1);
    assert_eq!(within(Some(less)), Ok((2, offers[2].price)));
    let cheapest = quote(&request(&plan, &offers[1..2])).unwrap().price_high;
    assert_eq!(within(Some(cheapest)), Ok((1, offers[1].price)));
    let too_little = Amount(cheapest.0 - 1);
    let expected = QuoteError::BudgetTooSmall {
        budget: too_little,
        price: cheapest,
    };
    assert_eq!(within(Some(too_little)), Err(expected), "it names the cheapest");
}
