//! Honest results pass, simulated cheats do not, and lies of auditors are told apart from both.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    chance::{Cheat, chance_caught},
    draw::{AuditSeed, Subject, draw},
    policy::AuditSettings,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use rayswarm_imaging::{Channel, Samples};
use rayswarm_model::B256;

const TILE: Rect = Rect {
    x: 100,
    y: 50,
    width: 96,
    height: 64,
};
const CROP: Rect = Rect {
    x: 132,
    y: 66,
    width: 32,
    height: 16,
};
const PROVIDER: NodeId = NodeId::from_bytes([1; 32]);
const AUDITOR: NodeId = NodeId::from_bytes([2; 32]);

/// A path tracer in small: a pixel is the mean of `samples` random lights, most of them dark. `left_out` samples are
/// not taken though they are paid.
fn render(rect: Rect, samples: u32, left_out: u32) -> Picture {
    let mut pixels = Vec::new();
    for y in rect.y..rect.bottom() {
        for x in rect.x..rect.right() {
            let mut stream = ChaCha8Rng::seed_from_u64(u64::from(y) << 32 | u64::from(x));
            let mut light = || f64::from(stream.next_u32()) / 4_294_967_296.0;
            let sum: f64 = (0..samples - left_out).map(|_| light().powi(4)).sum();
            pixels.push((sum / f64::from(samples - left_out)) as f32);
        }
    }
    picture(rect, pixels)
}

fn picture(rect: Rect, pixels: Vec<f32>) -> Picture {
    let size = Resolution {
        width: rect.width,
        height: rect.height,
    };
    Picture::new(size, vec![Channel::new("ViewLayer.Combined.R", Samples::F32(pixels))]).unwrap()
}

/// The same picture, its samples changed one by one.
fn edited(of: &Picture, edit: impl Fn(usize, f32) -> f32) -> Picture {
    let Samples::F32(samples) = of.channels()[0].samples() else {
        return of.clone();
    };
    let size = of.resolution();
    let pixels = samples
        .iter()
        .enumerate()
        .map(|(at, sample)| edit(at, *sample))
        .collect();
    picture(
        Rect {
            x: 0,
            y: 0,
            width: size.width,
            height: size.height,
        },
        pixels,
    )
}

fn case(delivered: &Picture) -> Case<'_> {
    Case {
        job: JobId::from_bytes([9; 32]),
        task: TaskId(3),
        attempt: AttemptId(5),
        provider: PROVIDER,
        committed: PixelCommitment::of(delivered),
        tile: TILE,
        channels: None,
        delivered,
    }
}

fn audited(delivered: &Picture, by: &Picture, comparison: ComparisonKind) -> Verdict {
    let audit = Audit {
        auditor: AUDITOR,
        crop: CROP,
        picture: by,
        comparison,
    };
    judge(&AuditPolicy::default(), &case(delivered), Some(&audit))
}

#[test]
fn honest_work_is_accepted() {
    let delivered = render(TILE, 128, 0);
    let without = judge(&AuditPolicy::default(), &case(&delivered), None);
    assert_eq!(
        (without.outcome, &without.reason),
        (Outcome::Accepted, &Reason::NotDrawn)
    );
    let verdict = audited(&delivered, &render(CROP, 128, 0), ComparisonKind::SameClass);
    assert_eq!((verdict.outcome, &verdict.reason), (Outcome::Accepted, &Reason::Exact));
    let shown = verdict.evidence.audit.unwrap();
    assert_eq!(shown.delivered_crop, Some(shown.audited_crop));
}

#[test]
fn one_bit_is_enough_within_a_class_and_is_shown() {
    let honest = render(TILE, 16, 0);
    let at = (CROP.y - TILE.y + 2) * TILE.width + (CROP.x - TILE.x + 3);
    let delivered = edited(&honest, |index, sample| {
        if index == at as usize {
            f32::from_bits(sample.to_bits() + 1)
        } else {
            sample
        }
    });
    let verdict = audited(&delivered, &render(CROP, 16, 0), ComparisonKind::SameClass);
    assert_eq!((verdict.outcome, verdict.stands_alone()), (Outcome::Rejected, false));
    let shown = verdict.evidence.audit.clone().unwrap();
    let worst = shown.result.unwrap().worst.unwrap();
    assert_eq!(
        (worst.x, worst.y, worst.candidate.bits - worst.reference.bits),
        (3, 2, 1)
    );
    // Column 35 of the tile lies in its first cell.
    assert_eq!(shown.worst_cell, Some(0));
    assert!(
        verdict
            .to_string()
            .starts_with("t3 a5 (96x64+100+50) rejected: 0.20 % of the audited crop"),
        "{verdict}"
    );
}

#[test]
fn other_instruction_sets_pass_and_cheats_do_not() {
    let honest = render(TILE, 128, 0);
    // As measured: nearly all pixels move by units in the last place, three in a hundred by more than 1e-3.
    let other_class = edited(&honest, |at, sample| {
        if at % 33 == 0 {
            sample * 1.01
        } else {
            sample * (1.0 + 1e-6)
        }
    });
    let crop_here = render(CROP, 128, 0);
    let verdict = audited(&other_class, &crop_here, ComparisonKind::CrossClass);
    assert!(
        matches!(
            verdict.reason,
            Reason::Agrees {
                apart: BasisPoints(1..=500),
                ..
            }
        ),
        "{verdict}"
    );
    assert_eq!(
        audited(&other_class, &crop_here, ComparisonKind::SameClass).outcome,
        Outcome::Rejected
    );

    // Samples left out; colours scaled; pixels of a neighbour; blur as by a denoiser; black.
    let cheats = [
        ("one sample of 128", render(TILE, 128, 1)),
        ("half of the samples", render(TILE, 128, 64)),
        ("brighter", edited(&honest, |_, sample| sample * 1.002)),
        ("another place", render(Rect { x: 0, ..TILE }, 128, 0)),
        (
            "another seed",
            edited(&honest, |at, sample| sample * if at % 2 == 0 { 0.98 } else { 1.02 }),
        ),
        ("black", edited(&honest, |_, _| 0.0)),
        ("not a number", edited(&honest, |_, _| f32::NAN)),
    ];
    for (name, delivered) in cheats {
        let verdict = audited(&delivered, &crop_here, ComparisonKind::CrossClass);
        assert!(
            matches!(
                verdict.reason,
                Reason::TooFarApart {
                    apart: BasisPoints(5_000..),
                    ..
                }
            ),
            "{name}: {verdict}"
        );
        assert_eq!(verdict.outcome, Outcome::Rejected, "{name}");
    }
}

#[test]
fn across_classes_a_tenth_is_the_limit() {
    let crop_here = render(CROP, 16, 0);
    let honest = render(TILE, 16, 0);
    let inside = |at: usize| {
        let (x, y) = (TILE.x + at as u32 % TILE.width, TILE.y + at as u32 / TILE.width);
        CROP.contains(Rect {
            x,
            y,
            width: 1,
            height: 1,
        })
        .then(|| (y - CROP.y) * CROP.width + x - CROP.x)
    };
    // Of the crop's 512 pixels, 51 are 9.97 % and 52 are 10.16 %.
    for (pixels, points, outcome) in [(51, 997, Outcome::Accepted), (52, 1_016, Outcome::Rejected)] {
        let moved = |at| inside(at).is_some_and(|index| index < pixels);
        let delivered = edited(&honest, |at, sample| if moved(at) { sample + 0.1 } else { sample });
        let verdict = audited(&delivered, &crop_here, ComparisonKind::CrossClass);
        let result = verdict.evidence.audit.as_ref().unwrap().result.as_ref().unwrap();
        assert_eq!(
            (verdict.outcome, result.apart_share()),
            (outcome, BasisPoints(points)),
            "{verdict}"
        );
    }
}

#[test]
fn deliveries_that_contradict_their_receipt_need_no_auditor() {
    let delivered = render(TILE, 4, 0);
    let policy = AuditPolicy::default();
    let other = PixelCommitment(B256::ZERO);
    let verdict = judge(
        &policy,
        &Case {
            committed: other,
            ..case(&delivered)
        },
        None,
    );
    assert_eq!(
        (&verdict.reason, verdict.stands_alone()),
        (&Reason::NotAsCommitted, true)
    );
    let verdict = judge(
        &policy,
        &Case {
            tile: Rect { width: 95, ..TILE },
            ..case(&delivered)
        },
        None,
    );
    assert!(matches!(verdict.reason, Reason::WrongSize { .. }) && verdict.stands_alone());
    let channels = [
        ("ViewLayer.Combined.R".into(), SampleType::F32),
        ("ViewLayer.Depth.Z".into(), SampleType::F32),
    ];
    let verdict = judge(
        &policy,
        &Case {
            channels: Some(&channels),
            ..case(&delivered)
        },
        None,
    );
    assert_eq!(
        verdict.reason.to_string(),
        "delivered nothing where ViewLayer.Depth.Z (f32) was due"
    );
    let fine = judge(
        &policy,
        &Case {
            channels: Some(&channels[..1]),
            ..case(&delivered)
        },
        None,
    );
    assert_eq!(fine.outcome, Outcome::Accepted);
}

#[test]
fn other_channels_or_attributes_are_no_way_past_an_audit() {
    let honest = render(TILE, 4, 0);
    let cheat = render(TILE, 4, 2);
    let size = cheat.resolution();
    let name = "ViewLayer.Combined.R";
    let with = |more: &str| {
        let extra = Channel::new(more, Samples::F32(vec![0.0; size.pixels() as usize]));
        Picture::new(size, vec![cheat.channels()[0].clone(), extra]).unwrap()
    };
    let Samples::F32(samples) = cheat.channels()[0].samples() else {
        panic!("not made of floats")
    };
    let whole = samples.iter().map(|sample| sample.to_bits()).collect();
    let attribute = [("cryptomatte/1/name".to_owned(), "ViewLayer.Other".to_owned())];
    let ways_out = [
        ("a channel more", with("ViewLayer.Mist.Z")),
        ("a channel before", with("A")),
        (
            "another name",
            Picture::new(size, vec![Channel::new("R", Samples::F32(samples.clone()))]).unwrap(),
        ),
        (
            "another type",
            Picture::new(size, vec![Channel::new(name, Samples::U32(whole))]).unwrap(),
        ),
        ("an attribute", cheat.clone().with_attributes(attribute.clone().into())),
        (
            "honest pixels with an attribute",
            honest.clone().with_attributes(attribute.into()),
        ),
    ];
    let kinds = [
        ComparisonKind::SameClass,
        ComparisonKind::CrossClass,
        ComparisonKind::NotComparable,
    ];
    for (way, delivered) in ways_out {
        for kind in kinds {
            let verdict = audited(&delivered, &render(CROP, 4, 0), kind);
            assert_eq!(verdict.outcome, Outcome::Rejected, "{way}, {kind:?}: {verdict}");
            assert!(matches!(verdict.reason, Reason::OtherLayout { .. }), "{way}: {verdict}");
            // It rests on the auditor's word, who may have sent the odd picture.
            assert!(!verdict.stands_alone(), "{way}");
        }
    }
}

#[test]
fn audits_of_no_use_decide_nothing() {
    let delivered = render(TILE, 4, 0);
    let policy = AuditPolicy::default();
    let crop_here = render(CROP, 4, 0);
    let audit = Audit {
        auditor: AUDITOR,
        crop: CROP,
        picture: &crop_here,
        comparison: ComparisonKind::SameClass,
    };
    let outside = Rect { x: 0, ..CROP };
    let beyond = Rect {
        x: TILE.right() - 1,
        ..CROP
    };
    let small = render(Rect { width: 31, ..CROP }, 4, 0);
    let huge = Rect {
        x: u32::MAX,
        y: u32::MAX,
        width: u32::MAX,
        height: u32::MAX,
    };
    let useless = [
        Audit {
            auditor: PROVIDER,
            ..audit
        },
        Audit { crop: outside, ..audit },
        Audit { crop: beyond, ..audit },
        Audit { crop: huge, ..audit },
        Audit {
            picture: &small,
            ..audit
        },
    ];
    for audit in useless {
        let verdict = judge(&policy, &case(&delivered), Some(&audit));
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict}");
        assert!(matches!(verdict.reason, Reason::AuditUnusable { .. }));
    }
    let other = render(CROP, 4, 1);
    let verdict = audited(&delivered, &other, ComparisonKind::NotComparable);
    assert_eq!(
        (verdict.outcome, verdict.reason),
        (Outcome::Inconclusive, Reason::NotComparable)
    );
}

#[test]
fn classes_and_devices_decide_how_to_compare() {
    let (a, b) = (ComparisonClass(B256::ZERO), ComparisonClass(B256::repeat_byte(1)));
    let cases = [
        ((a, Device::Cpu), (a, Device::Cpu), ComparisonKind::SameClass),
        ((a, Device::Cuda), (a, Device::Cuda), ComparisonKind::SameClass),
        ((a, Device::Cpu), (b, Device::Cpu), ComparisonKind::CrossClass),
        ((a, Device::Cpu), (b, Device::Cuda), ComparisonKind::NotComparable),
        ((a, Device::Optix), (b, Device::Cuda), ComparisonKind::NotComparable),
    ];
    for (left, right, kind) in cases {
        assert_eq!(ComparisonKind::between(left, right), kind);
    }
}

#[test]
fn a_verdict_is_a_document() {
    let verdict = audited(&render(TILE, 4, 1), &render(CROP, 4, 0), ComparisonKind::SameClass);
    let json = serde_json::to_string(&verdict).unwrap();
    assert!(
        json.contains("\"outcome\":\"rejected\"") && json.contains("\"kind\":\"differs\""),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
}

#[test]
fn small_edits_are_caught_as_often_as_the_formula_says() {
    let policy = AuditPolicy::new(AuditSettings {
        first_tasks: 0,
        ..AuditSettings::default()
    })
    .unwrap();
    let seed = AuditSeed::from_bytes([5; 32]);
    let tile = Rect {
        x: 0,
        y: 0,
        width: 80,
        height: 64,
    };
    let honest = render(tile, 2, 0);
    // A watermark in the left tenth of the tile.
    let delivered = edited(&honest, |at, sample| if at % 80 < 8 { sample + 1.0 } else { sample });
    let committed = PixelCommitment::of(&delivered);
    let (mut caught, tasks) = (0u32, 2_000u64);
    for task in 0..tasks {
        let (job, task, attempt) = (JobId::from_bytes([9; 32]), TaskId(task), AttemptId(task));
        let drawn = draw(
            &policy,
            &seed,
            &Subject {
                job,
                task,
                attempt,
                commitment: committed,
                tile,
            },
            0,
            None,
        );
        let Some(rect) = drawn.crop else { continue };
        let again = crop(&honest, rect).unwrap();
        let comparison = ComparisonKind::SameClass;
        let audit = Audit {
            auditor: AUDITOR,
            crop: rect,
            picture: &again,
            comparison,
        };
        let verdict = judge(
            &policy,
            &Case {
                task,
                attempt,
                tile,
                ..case(&delivered)
            },
            Some(&audit),
        );
        caught += u32::from(verdict.outcome == Outcome::Rejected);
    }
    let cheat = Cheat {
        edited: BasisPoints(1_000),
        tasks: 1,
        tasks_before: 0,
        comparison: ComparisonKind::SameClass,
    };
    let bound = chance_caught(&policy, &cheat).as_fraction() * tasks as f64;
    // The strip touches one of five columns of crops: 1/4 · 1/5 of 2,000 tasks is 100, sigma 9.7; the bound says 50.
    assert!(f64::from(caught) >= bound, "{caught} {bound}");
    assert!((62..=138).contains(&caught), "{caught}");
}
