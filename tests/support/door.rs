//! A door in the operator's way to the machines, for tests of what happens when a new log-in does not get through.

use std::fs;

use super::Operator;

/// The operator's ssh with a door that a test can hold shut: `hold-NODE` keeps a further connection waiting, `shut-NODE`
/// ends it.
pub fn held_config(operator: &Operator<'_>) {
    let folder = operator.folder();
    let text = fs::read_to_string(operator.lab.lab.ssh_config()).unwrap();
    let line = text.lines().find(|line| line.contains("ProxyCommand ")).unwrap().trim().to_owned();
    let real = line.strip_prefix("ProxyCommand ").unwrap().replace("%%", "%").replace("%h %p", "\"$@\"");
    let here = folder.display();
    let hook = format!(
        "if [ -e {here}/seen-$1 ]; then [ ! -e {here}/shut-$1 ] || exit 1; [ ! -e {here}/hold-$1 ] || exec sleep 40; fi\n\
         : > {here}/seen-$1\nexec {real}\n"
    );
    fs::write(folder.join("door"), hook).unwrap();
    let config = folder.join("ssh_config");
    fs::write(&config, text.replace(&line, &format!("ProxyCommand sh {here}/door %h %p"))).unwrap();
    let lab_config = operator.lab.lab.ssh_config();
    operator.set_spec(&operator.spec().replace(lab_config.to_str().unwrap(), config.to_str().unwrap()));
}
