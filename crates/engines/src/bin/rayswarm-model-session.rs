//! A session of image models and nothing else, for tests of the adapter: the program `rayswarm` is one too, by its
//! hidden command of that name, but is built from crates that stand above this one.

fn main() -> std::process::ExitCode {
    rayswarm_engines::onnx::serve()
}
