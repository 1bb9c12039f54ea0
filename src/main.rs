use std::process::ExitCode;

fn main() -> ExitCode {
    mpiup::node::askpass_main().unwrap_or(ExitCode::SUCCESS)
}
