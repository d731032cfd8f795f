//! `rayswarm completions`: what lets a shell complete commands and options.

use crate::{
    args::{Args, CompletionsArgs},
    exit::ExitCode,
};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{ErrorKind, Write};

/// What is typed to start the program.
const PROGRAM: &str = "rayswarm";

pub async fn run(args: CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    match out.write_all(&script(args.shell)).and_then(|()| out.flush()) {
        // A reader that has left, as `head` does, is no failure of ours.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("the completion script cannot be written"))
        }
        _ => Ok(ExitCode::Success),
    }
}

/// Made in memory, because the generator panics where it cannot write.
fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), PROGRAM, &mut script);
    script
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::ValueEnum;
    use std::process::{Command, Stdio};

    fn text_for(shell: Shell) -> String {
        String::from_utf8(script(shell)).unwrap()
    }

    #[test]
    fn every_shell_is_told_of_every_command() {
        let root = Args::command();
        let commands: Vec<&str> = root
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(|command| command.get_name())
            .collect();
        assert!(commands.contains(&"providers") && commands.contains(&"completions"));
        for shell in Shell::value_variants() {
            let text = text_for(*shell);
            let is_in_a_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
            let words: Vec<&str> = text.split(|letter: char| !is_in_a_word(letter)).collect();
            for command in &commands {
                assert!(words.contains(command), "{shell} does not know {command}");
            }
        }
    }

    #[test]
    fn bash_completes_what_was_begun() {
        let asked = "
            COMP_WORDS=(rayswarm jobs can)
            COMP_CWORD=2
            _rayswarm rayswarm can jobs
            echo \"${COMPREPLY[*]}\"
        ";
        let mut bash = Command::new("bash")
            .arg("--norc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut typed = bash.stdin.take().unwrap();
        typed.write_all(text_for(Shell::Bash).as_bytes()).unwrap();
        typed.write_all(asked.as_bytes()).unwrap();
        drop(typed);
        let answer = bash.wait_with_output().unwrap();
        assert!(answer.status.success());
        assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "cancel");
    }
}
