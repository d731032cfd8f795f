//! Planning, as tables: one row per case, expected shape in the last column.
#![allow(clippy::unwrap_used)]

use super::*;
use rayswarm_model::{
    Bytes, Work,
    scene::{Finding, FrameRate, OutputPattern, Severity},
};

const HD: Resolution = Resolution {
    width: 1920,
    height: 1080,
};

fn facts() -> SceneFacts {
    SceneFacts {
        repeats_roughly: None,
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        saved_by: "Blender 4.5".into(),
        renderer: "CYCLES".into(),
        frame_start: 1,
        frame_end: 48,
        frame_step: 1,
        frames_bounded: None,
        frame_rate: FrameRate {
            numerator: 24,
            denominator: 1,
        },
        resolution: HD,
        pixel_aspect_milli: 1000,
        samples: 128,
        adaptive_sampling: false,
        denoise: false,
        compositor: false,
        cameras: vec![],
        view_layers: vec![],
        output: OutputPattern {
            name: "####".into(),
            format: "png".into(),
            color_mode: "RGBA".into(),
            color_depth: 8,
            numbered: true,
        },
        memory_estimate: Bytes(1 << 30),
        dependencies: vec![],
        findings: vec![],
        sequential: false,
        tile_padding: 0,
        tile_step: 1,
        tiles_exact: true,
        slices_refused: None,
    }
}

fn adaptive(facts: &mut SceneFacts) {
    facts.adaptive_sampling = true;
    facts.tile_padding = 16;
}

/// A request whose frames take the median provider (one WU/s) `seconds` each.
struct Case {
    facts: SceneFacts,
    resolution: Resolution,
    samples: u32,
    frames: i32,
    seconds: u64,
    providers: u32,
    tiles: TileChoice,
    slices: SliceChoice,
}

fn case(frames: i32, seconds: u64, providers: u32) -> Case {
    let (tiles, slices) = (TileChoice::Auto, SliceChoice::Auto);
    Case {
        facts: facts(),
        resolution: HD,
        samples: 128,
        frames,
        seconds,
        providers,
        tiles,
        slices,
    }
}

impl Case {
    fn facts(mut self, change: impl FnOnce(&mut SceneFacts)) -> Self {
        change(&mut self.facts);
        self
    }
    fn grid(mut self, columns: u32, rows: u32) -> Self {
        self.tiles = TileChoice::Grid { columns, rows };
        self
    }
    fn slices(mut self, count: u32) -> Self {
        self.slices = SliceChoice::Count(count);
        self
    }
    fn picture(mut self, width: u32, height: u32) -> Self {
        self.resolution = Resolution { width, height };
        self
    }
    fn samples(mut self, samples: u32) -> Self {
        self.samples = samples;
        self
    }
    fn plan(self) -> Result<Plan, PlanError> {
        let cost = CostMap::flat(
            self.resolution,
            self.samples.max(1),
            Work {
                milli_wu: self.seconds * 1000,
            },
        );
        plan(PlanRequest {
            facts: &self.facts,
            settings: RenderSettings {
                resolution: self.resolution,
                samples: self.samples,
                renderer_override: None,
                allowed_missing: vec![],
                options: vec![],
            },
            frames: Frames::range(1, self.frames, 1).unwrap(),
            tiles: self.tiles,
            slices: self.slices,
            cost: &cost,
            providers: ExpectedProviders {
                count: self.providers,
                median_milli_wu_per_second: 1000,
            },
        })
    }
    /// Columns, rows, slices.
    fn shape(self) -> (usize, usize, usize) {
        let plan = self.plan().unwrap();
        let columns = plan.tiles.iter().filter(|tile| tile.y == 0).count();
        (columns, plan.tiles.len() / columns, plan.slices.len())
    }
    fn refusal(self) -> String {
        self.plan().unwrap_err().to_string()
    }
}

#[test]
fn auto_cuts_dear_frames_only() {
    let rows = [
        ("3 s frames stay whole", case(48, 3, 2), (1, 1, 1)),
        ("a cheap still stays whole", case(1, 9, 8), (1, 1, 1)),
        ("a 90 s still for two: pieces of 10 s", case(1, 90, 2), (3, 3, 1)),
        ("a 90 s film for two: only below 60 s", case(48, 90, 2), (2, 1, 1)),
        ("a 40 s film of many frames stays whole", case(500, 40, 4), (1, 1, 1)),
        ("a 40 s film of few frames is shared", case(10, 40, 4), (2, 2, 1)),
        (
            "an hour's still for four: pieces of at most 60 s",
            case(1, 3600, 4),
            (10, 6, 1),
        ),
        (
            "tiles would not be exact",
            case(1, 90, 2).facts(|f| f.tiles_exact = false),
            (1, 1, 1),
        ),
        (
            "in order by one session",
            case(48, 90, 2).facts(|f| f.sequential = true),
            (1, 1, 1),
        ),
        (
            "no exact tiles and very dear: slices",
            case(1, 600, 2).facts(|f| f.tiles_exact = false),
            (1, 1, 16),
        ),
        (
            "tiny picture, very dear: tiles to 32 px, then slices",
            case(1, 10_000, 2).picture(64, 64),
            (2, 2, 16),
        ),
        ("padding keeps tiles large", case(1, 3600, 4).facts(adaptive), (8, 5, 1)),
        ("asked for slices", case(1, 30, 1).slices(4), (1, 1, 4)),
        (
            "asked for tiles and slices",
            case(1, 30, 1).grid(3, 2).slices(2),
            (3, 2, 2),
        ),
        (
            "asked for tiles of a dear frame: exact, so no slices",
            case(1, 9999, 1).grid(2, 2),
            (2, 2, 1),
        ),
        ("a line of pixels", case(1, 90, 2).picture(1000, 1), (9, 1, 1)),
    ];
    for (name, case, expected) in rows {
        assert_eq!(case.shape(), expected, "{name}");
    }
}

#[test]
fn choices_that_cannot_be_exact_are_refused_with_a_sentence() {
    let rows = [
        (
            case(1, 9, 1).slices(4).facts(|f| f.adaptive_sampling = true),
            "adaptive sampling decides on all samples at once",
        ),
        (
            case(1, 9, 1)
                .slices(4)
                .facts(|f| f.slices_refused = Some("Cryptomatte cannot be averaged".into())),
            "Cryptomatte",
        ),
        (case(1, 9, 1).slices(0), "0 slices cannot share 128 samples"),
        (case(1, 9, 1).slices(129), "from 1 to 128"),
        (
            case(1, 9, 1).grid(2, 2).facts(|f| f.tiles_exact = false),
            "blender renders a crop differently here",
        ),
        (case(1, 9, 1).grid(0, 2), "0x2 has no tiles"),
        (case(1, 9, 1).grid(300, 1), "smaller than 8 pixels"),
        (
            case(1, 9, 1).grid(2, 1).facts(|f| f.sequential = true),
            "tiles were asked for",
        ),
        (
            case(1, 9, 1).slices(2).facts(|f| f.sequential = true),
            "slices were asked for",
        ),
        (case(1, 9, 1).picture(0, 5), "0x5 cannot be rendered"),
        (case(1, 9, 1).samples(0), "0 samples per pixel"),
        (case(20_000, 9, 1).grid(10, 10), "2000000 tasks"),
    ];
    for (case, sentence) in rows {
        let refusal = case.refusal();
        assert!(refusal.contains(sentence), "{refusal:?} does not say {sentence:?}");
    }
}

#[test]
fn a_refused_scene_is_not_planned() {
    let finding = Finding {
        severity: Severity::Refusal,
        code: "unbaked_simulation".into(),
        message: "cloth on \"Cape\" is not baked".into(),
        remedy: "bake it to disk".into(),
    };
    let refusal = case(1, 9, 1).facts(|facts| facts.findings.push(finding)).refusal();
    assert_eq!(refusal, "cloth on \"Cape\" is not baked; bake it to disk");
}

#[test]
fn work_is_conserved_exactly() {
    for (columns, rows, slices) in [(1, 1, 1), (7, 5, 1), (3, 3, 7), (1, 1, 128)] {
        let plan = case(3, 11, 1).grid(columns, rows).slices(slices).plan().unwrap();
        assert_eq!(plan.tasks.len(), 3 * (columns * rows * slices) as usize);
        for frame in 1..=3 {
            let total: Work = plan.tasks_of(frame).map(|task| task.work).sum();
            assert_eq!(total.milli_wu, 11_000, "{columns}x{rows}x{slices}");
        }
        assert!(
            plan.tasks
                .iter()
                .enumerate()
                .all(|(index, task)| task.id == TaskId(index as u64))
        );
        assert!(plan.tasks.iter().all(|task| task.work.milli_wu > 0));
    }
}

#[test]
fn padding_is_paid_for_and_only_where_there_are_tiles() {
    let padded = case(1, 100, 1)
        .grid(4, 4)
        .facts(|facts| facts.tile_padding = 16)
        .plan()
        .unwrap();
    assert_eq!(padded.tile_padding, 16);
    assert!(padded.total_work().milli_wu > 110_000, "{}", padded.total_work());
    let whole = case(1, 100, 1)
        .grid(1, 1)
        .facts(|facts| facts.tile_padding = 16)
        .plan()
        .unwrap();
    assert_eq!((whole.tile_padding, whole.total_work().milli_wu), (0, 100_000));
}

#[test]
fn cost_of_another_resolution_is_not_used() {
    let cost = CostMap::flat(HD, 1, Work { milli_wu: 1 });
    let facts = facts();
    let error = plan(PlanRequest {
        facts: &facts,
        settings: RenderSettings {
            resolution: Resolution { width: 10, height: 10 },
            samples: 1,
            renderer_override: None,
            allowed_missing: vec![],
            options: vec![],
        },
        frames: Frames::single(1),
        tiles: TileChoice::Auto,
        slices: SliceChoice::Auto,
        cost: &cost,
        providers: ExpectedProviders {
            count: 1,
            median_milli_wu_per_second: 0,
        },
    });
    assert!(matches!(error, Err(PlanError::CostOfOtherResolution { .. })));
}
