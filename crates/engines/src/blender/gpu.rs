//! What a session must see of this machine to render on a GPU. Written from the drivers' documents; untested, since no
//! machine of this project has one.

use rayswarm_model::settings::Device;
use rayswarm_sandbox::Bind;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders in which the drivers of AMD and Intel look for cards.
const SYSTEM: [&str; 3] = ["/sys/bus/pci", "/sys/class", "/sys/devices"];

/// The device nodes in `dev` (`/dev`) that `device` needs: `nvidia*` for CUDA and OptiX, `kfd` and `dri` for HIP, `dri`
/// for oneAPI, all of them for auto. Metal has none.
pub(super) fn nodes(device: Device, dev: &Path) -> Vec<PathBuf> {
    let wanted = |name: &str| {
        let (nvidia, amd, render) = (name.starts_with("nvidia"), name == "kfd", name == "dri");
        match device {
            Device::Cpu | Device::Metal => false,
            Device::Auto => nvidia || amd || render,
            Device::Cuda | Device::Optix => nvidia,
            Device::Hip => amd || render,
            Device::Oneapi => render,
        }
    };
    let entries = fs::read_dir(dev).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(wanted))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// What else the drivers read.
pub(super) fn binds(device: Device) -> Vec<Bind> {
    if matches!(device, Device::Cpu | Device::Metal) {
        return Vec::new();
    }
    let there = SYSTEM.into_iter().filter(|folder| Path::new(folder).is_dir());
    there.map(|folder| Bind::read_only(folder, folder)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_kind_sees_its_own_nodes() {
        let dev = tempfile::tempdir().unwrap();
        for name in ["nvidia0", "nvidiactl", "nvidia-uvm", "kfd", "dri", "sda", "mem"] {
            fs::write(dev.path().join(name), "").unwrap();
        }
        let names = |device| {
            let found = nodes(device, dev.path()).into_iter();
            found
                .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Device::Cpu), [""; 0]);
        assert_eq!(names(Device::Optix), ["nvidia-uvm", "nvidia0", "nvidiactl"]);
        assert_eq!(names(Device::Hip), ["dri", "kfd"]);
        assert_eq!(names(Device::Oneapi), ["dri"]);
        assert_eq!(names(Device::Auto).len(), 5);
        assert_eq!(nodes(Device::Auto, Path::new("/nowhere")), [""; 0].map(PathBuf::from));
    }
}
