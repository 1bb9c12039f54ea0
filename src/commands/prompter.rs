//! Puts ssh's questions to the user.

use crate::{
    node::{HostKeyPrompt, Prompter},
    secret::Secret,
    ui::Ui,
};

/// Asks on the terminal; without one, every unknown key is refused and no password given.
pub struct AskUser {
    ui: Ui,
}

impl AskUser {
    pub fn new(ui: Ui) -> Self {
        Self { ui }
    }
}

impl Prompter for AskUser {
    fn confirm_host_key(&self, prompt: &HostKeyPrompt) -> bool {
        let HostKeyPrompt { host, key_type, fingerprint, known_as, .. } = prompt;
        self.ui.say(&format!("ssh meets {host} for the first time. Its {key_type} key is"));
        self.ui.say(&format!("  {fingerprint}"));
        if !known_as.is_empty() {
            self.ui.say(&format!("  You know the same key as {}.", known_as.join(", ")));
        }
        let hint = "Give `--accept-new` to trust and pin host keys that are not known yet.";
        self.ui.confirm_or("Is that the machine's own key? Pin it and go on?", false, hint).unwrap_or(false)
    }

    fn can_ask(&self) -> bool {
        self.ui.can_ask()
    }

    fn secret(&self, question: &str) -> Option<Secret> {
        self.ui.secret(question, "").ok().flatten()
    }

    fn notice(&self, node: &crate::spec::NodeName, text: &str) {
        self.ui.say(&format!("{node}: {text}"));
    }
}
