//! Makes an exception in one rank end the whole job.
//!
//! A Python program that raises in one rank leaves the others waiting for its messages for ever, under every MPI.
//! `python -m mpi4py PROGRAM` calls `MPI_Abort` instead
//! (<https://mpi4py.readthedocs.io/en/stable/mpi4py.run.html>). Everything else is left as it was typed.

/// `argv` with `-m mpi4py` before a Python script, module or `-c` command; a script `x.py` alone gets its `python` too.
///
/// Unchanged: what is not Python, what runs under mpi4py already, and what runs no program (`python -V`, or standard
/// input).
pub fn with_abort(argv: &[String]) -> Vec<String> {
    let Some((program, args)) = argv.split_first() else { return Vec::new() };
    let mpi4py = ["-m", "mpi4py"].map(str::to_owned);
    if program.ends_with(".py") {
        return ["python".to_owned()].into_iter().chain(mpi4py).chain(argv.iter().cloned()).collect();
    }
    if is_python(program)
        && let Some((options, rest)) = split(args)
    {
        return [program.clone()].into_iter().chain(options).chain(mpi4py).chain(rest).collect();
    }
    argv.to_vec()
}

/// `python`, `python3`, `python3.11`, `python3.13t`, with or without a path.
fn is_python(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    let Some(version) = name.strip_prefix("python") else { return false };
    version.is_empty() || (version.starts_with('3') && version.chars().all(|c| c.is_ascii_digit() || ".t".contains(c)))
}

/// Python's own options, and what it is to run; None to leave all as it is.
///
/// The options are those of `python --help`: `-W` and `-X` take a value, `-c` and `-m` end the options, and short
/// ones can be joined (`-uW ignore`, `-um module`).
fn split(args: &[String]) -> Option<(Vec<String>, Vec<String>)> {
    let mut options = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-" | "--version" | "--help" | "--help-all" | "--help-env" | "--help-xoptions" => return None,
            // It ended Python's options, and would become one of mpi4py's.
            "--" => {
                let script = rest.as_slice().first().filter(|script| !script.starts_with('-'));
                return script.is_some().then(|| (options, rest.as_slice().to_vec()));
            }
            "--check-hash-based-pycs" => options.extend([arg.clone(), rest.next()?.clone()]),
            long if long.starts_with("--") => options.push(arg.clone()),
            short if short.starts_with('-') => match letters(&short[1..]) {
                Letters::Plain => options.push(arg.clone()),
                Letters::ValueFollows => options.extend([arg.clone(), rest.next()?.clone()]),
                Letters::RunNothing => return None,
                Letters::Run { joined, kind, value } => {
                    let value = if value.is_empty() { rest.next()?.clone() } else { value.to_owned() };
                    if kind == 'm' && (value == "mpi4py" || value.starts_with("mpi4py.")) {
                        return None;
                    }
                    if !joined.is_empty() {
                        options.push(format!("-{joined}"));
                    }
                    let run = [format!("-{kind}"), value].into_iter().chain(rest.cloned());
                    return Some((options, run.collect()));
                }
            },
            _script => return Some((options, [arg].into_iter().chain(rest).cloned().collect())),
        }
    }
    None
}

/// What the letters behind a single `-` mean.
enum Letters<'a> {
    Plain,
    ValueFollows,
    RunNothing,
    /// `-c` or `-m`: other options joined before it, the letter, and the value joined behind it.
    Run {
        joined: &'a str,
        kind: char,
        value: &'a str,
    },
}

fn letters(letters: &str) -> Letters<'_> {
    for (at, letter) in letters.char_indices() {
        let behind = &letters[at + letter.len_utf8()..];
        match letter {
            'W' | 'X' if behind.is_empty() => return Letters::ValueFollows,
            'W' | 'X' => return Letters::Plain,
            'V' | 'h' | '?' => return Letters::RunNothing,
            'c' | 'm' => return Letters::Run { joined: &letters[..at], kind: letter, value: behind },
            _ => {}
        }
    }
    Letters::Plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_command() {
        let cases = [
            ("python x.py", "python -m mpi4py x.py"),
            ("/env/bin/python3.11 x.py -m a -c b -- c", "/env/bin/python3.11 -m mpi4py x.py -m a -c b -- c"),
            ("python -u x.py -u", "python -u -m mpi4py x.py -u"),
            ("python -W ignore -X dev x.py", "python -W ignore -X dev -m mpi4py x.py"),
            ("python -Wignore -Xdev -OO x.py", "python -Wignore -Xdev -OO -m mpi4py x.py"),
            ("python -uW ignore x.py", "python -uW ignore -m mpi4py x.py"),
            ("python --check-hash-based-pycs never x.py", "python --check-hash-based-pycs never -m mpi4py x.py"),
            ("python -c print(1) -c", "python -m mpi4py -c print(1) -c"),
            ("python -cpass", "python -m mpi4py -c pass"),
            ("python -m package.main -m y", "python -m mpi4py -m package.main -m y"),
            ("python -Bum package.main y", "python -Bu -m mpi4py -m package.main y"),
            ("python -- x.py -v", "python -m mpi4py x.py -v"),
            ("./x.py --size 3", "python -m mpi4py ./x.py --size 3"),
            // Left as they are.
            ("python -m mpi4py x.py", "python -m mpi4py x.py"),
            ("python -mmpi4py x.py", "python -mmpi4py x.py"),
            ("python -m mpi4py.bench helloworld", "python -m mpi4py.bench helloworld"),
            ("python", "python"),
            ("python -V", "python -V"),
            ("python --version", "python --version"),
            ("python - x", "python - x"),
            ("python -m", "python -m"),
            ("python -- -x.py", "python -- -x.py"),
            ("./a.out x.py", "./a.out x.py"),
            ("pythonic x.py", "pythonic x.py"),
            ("python2 x.py", "python2 x.py"),
            ("ipython x.py", "ipython x.py"),
            ("env A=1 python x.py", "env A=1 python x.py"),
        ];
        for (typed, expected) in cases {
            let argv: Vec<String> = typed.split(' ').map(str::to_owned).collect();
            assert_eq!(with_abort(&argv).join(" "), expected, "{typed}");
        }
        assert!(with_abort(&[]).is_empty());
    }
}
