//! Two roles measure at the same moment, with the real POV-Ray in the real sandbox. Needs Debian's `povray`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use rayswarm_engines::{PovRay, Sandbox};
use rayswarm_model::Bytes;

fn engine() -> PovRay {
    PovRay::detect(&Sandbox::detect().unwrap())
        .expect("POV-Ray 3.7 is not installed; run: apt-get install povray povray-includes")
}

fn measuring<'a>(engine: &'a PovRay, data_dir: &Path, device: Device) -> Measuring<'a> {
    Measuring {
        engine,
        kept: data_dir.join("kept/povray.json"),
        folder: data_dir.join("probe/povray"),
        limits: SessionLimits {
            threads: 1,
            memory: Bytes(2 << 30),
            nice: 0,
            device,
            silence: Duration::from_secs(60),
        },
    }
}

#[tokio::test]
async fn two_roles_that_measure_at_once_have_one_measurement() {
    let (folder, engine, turns) = (tempfile::tempdir().unwrap(), engine(), Turns::default());
    let (provider, requestor) = (
        measuring(&engine, folder.path(), Device::Cpu),
        measuring(&engine, folder.path(), Device::Cpu),
    );
    let (provider, requestor) = tokio::join!(provider.once(&turns), requestor.once(&turns));
    // Two renderings would differ in their CPU time.
    assert_eq!(provider.unwrap(), requestor.unwrap());
    assert!(!folder.path().join("probe/povray").exists());
}

#[tokio::test]
async fn a_session_that_may_choose_says_which_device_it_chose() {
    let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
    let measured = measuring(&engine, folder.path(), Device::Auto)
        .once(&Turns::default())
        .await;
    assert_eq!(measured.unwrap().device, Device::Cpu);
}

#[tokio::test]
async fn what_an_older_version_kept_is_measured_again() {
    let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
    let measuring = measuring(&engine, folder.path(), Device::Cpu);
    let first = measuring.once(&Turns::default()).await.unwrap();
    let older = serde_json::json!({ "class": first.class, "milli_wu_per_cpu_second": 7 });
    std::fs::write(&measuring.kept, older.to_string()).unwrap();
    let again = measuring.once(&Turns::default()).await.unwrap();
    assert_eq!(again.class, first.class);
    assert_ne!(again.milli_wu_per_cpu_second, 7);
}
