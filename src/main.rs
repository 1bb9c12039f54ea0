use mpiup::{launch, python::*};
#[tokio::main(flavor = "current_thread")]
#[allow(clippy::all, clippy::disallowed_macros, clippy::unwrap_used)]
async fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let report = |s: &str| eprintln!("  {s}");
    match args[0].as_str() {
        "bundle" => {
            let t = std::time::Instant::now();
            let target = Target::here().await.unwrap();
            println!("{target} {:?}", t.elapsed());
            let t = std::time::Instant::now();
            let extra: Vec<&str> = vec![args[1].as_str()];
            println!("{:?}", bundle(&target, &args[2..].to_vec(), &extra, &report).await);
            println!("{:?}", t.elapsed());
        }
        "run" => {
            let n = args[1].parse().ok().filter(|n| *n > 0);
            match launch::run_local(n, &args[2..].to_vec(), &report).await {
                Ok(code) => return code.into(),
                Err(e) => {
                    eprintln!("{e} {:?}", e.hints());
                    return e.exit_code().into();
                }
            }
        }
        _ => (),
    }
    0.into()
}
