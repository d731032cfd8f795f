//! Makes the folder of the built studio where there is none, and looks for changes in it.

fn main() -> std::io::Result<()> {
    let folder = "../../web/dist";
    // Without Node.js nobody has built the studio; the program is built all the same.
    std::fs::create_dir_all(folder)?;
    // Files that come and go are seen by Cargo alone: what is embedded names only those it has found.
    #[allow(clippy::print_stdout, reason = "this is how a build script speaks to Cargo")]
    {
        println!("cargo:rerun-if-changed={folder}");
        println!("cargo:rerun-if-changed=build.rs");
    }
    Ok(())
}
