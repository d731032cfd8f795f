//! The examples of `examples/openjd`, run for real.

use crate::yard::Yard;
use rayswarm_openjd::{RunEvent, run::Verdict};

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_drawn_in_chunks() {
    let yard = Yard::new();
    let outcome = yard.run(&yard.example("frames"), &[("Frames", "1-7")]).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    assert_eq!(outcome.run.progress(), (3, 3));
    for frame in 1..=7 {
        let picture = yard.read(&format!("frames/pictures/frame_{frame:04}.pgm"));
        assert!(
            picture.starts_with("P2 16 8 255\n") && picture.lines().count() == 129,
            "{frame}"
        );
    }
    assert_ne!(
        yard.read("frames/pictures/frame_0001.pgm"),
        yard.read("frames/pictures/frame_0002.pgm")
    );
    assert!(outcome.seen.statuses.lock().unwrap().contains(&"frame 7".to_owned()));
    assert_eq!(
        outcome.seen.written.lock().unwrap().len(),
        7,
        "each file is brought back once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_reads_what_the_one_before_it_wrote() {
    let yard = Yard {
        sessions: 2,
        ..Yard::new()
    };
    let bundle = yard.example("two-steps");
    let (job, _) = yard.job(&bundle, &[], Vec::new());
    assert_eq!(job.name(), "Count the words of two small texts");
    let outcome = yard.run(&bundle, &[]).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    // Words of the one text, lines of the other.
    assert_eq!(yard.read("two-steps/counts/all"), "3\n5\n");
    let written = outcome.seen.written.lock().unwrap().clone();
    assert!(
        written
            .iter()
            .all(|path| path.starts_with(yard.path("two-steps/counts"))),
        "{written:?}"
    );
    let order: Vec<u64> = outcome.seen.events.lock().unwrap().iter().filter_map(done).collect();
    assert_eq!(order.last(), Some(&2), "the joining task is done last");
}

fn done(event: &RunEvent) -> Option<u64> {
    match event {
        RunEvent::Done { task, .. } => Some(task.0),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_entered_once_and_stays_warm() {
    let yard = Yard::new();
    let outcome = yard.run(&yard.example("warm"), &[]).await;
    let log = outcome.seen.log();
    assert_eq!(outcome.verdict, Verdict::Complete, "{log}");
    // One server has answered all three, so it was started once and lived on between the tasks.
    for question in 1..=3 {
        assert_eq!(
            yard.read(&format!("warm/out/{question}.txt")),
            format!("hello {question}\n")
        );
    }
    assert!(outcome.seen.said("the server was stopped"), "{log}");
    assert!(
        log.contains("the password is ********") && !log.contains("open-sesame"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_heard_and_a_failure_gives_its_reason() {
    let yard = Yard {
        failures_max: 2,
        ..Yard::new()
    };
    let bundle = yard.example("messages");
    let outcome = yard.run(&bundle, &[]).await;
    assert_eq!(outcome.verdict, Verdict::Complete);
    assert_eq!(*outcome.seen.progress.lock().unwrap(), [250, 1000]);
    assert_eq!(*outcome.seen.statuses.lock().unwrap(), ["looking for light"]);
    assert!(outcome.seen.said("[Tell] an ordinary line"));
    let failed = yard.run(&bundle, &[("Fail", "yes")]).await;
    let expected = "a task of step \"Tell\" failed 2 times: there is no light";
    assert_eq!(failed.verdict, Verdict::Failed(expected.into()));
    assert_eq!(failed.run.attempts(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_are_met_or_refused_before_anything_runs() {
    let yard = Yard::new();
    let bundle = yard.example("requirements");
    let outcome = yard.run(&bundle, &[]).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    assert_eq!(yard.read("requirements/machine.txt"), "Linux\n");
    let template = std::fs::read_to_string(bundle.join("template.yaml")).unwrap();
    std::fs::write(
        bundle.join("template.yaml"),
        template
            .replace("min: 64", "min: 8192")
            .replace("max: 1024", "max: 9999"),
    )
    .unwrap();
    let refused = yard.run(&bundle, &[]).await;
    let expected = "step \"Large\" needs 8.0 GiB of memory; this machine gives 4.0 GiB";
    assert_eq!(refused.verdict, Verdict::Failed(expected.into()));
    assert_eq!(refused.run.attempts(), 0);
}
