//! temporary
use super::Spec;
pub type Reasons = std::collections::BTreeMap<String, String>;
pub struct Draft { pub spec: Spec, pub why: Reasons }
pub fn render(d: &Draft) -> String {
    let s = &d.spec;
    let mut t = format!("[cluster]\nname=\"{}\"\nuser=\"{}\"\nhead=\"{}\"\n", s.name, s.user, s.head);
    if let Some(c) = &s.ssh_config { t += &format!("[ssh]\nconfig = \"{}\"\n", c.display()); }
    t += "[mpi]\nsource = \"";
    t += match s.source { super::Source::Distro => "distro", super::Source::Wheels => "wheels", super::Source::Existing => "existing" };
    t += "\"\n[nodes]\n";
    for n in &s.nodes { t += &format!("{} = {{ address = \"{}\", slots = {} }}\n", n.name, match &n.address { super::Address::Local => "local".to_string(), super::Address::Ssh{host, ..} => host.clone() }, n.slots.unwrap_or(1)); }
    t
}
