//! What members of groups may do, as dagmar.yaml says it.

use crate::serve::caller::{Role, Roles};
use crate::source::access::{EVERYBODY, EnvironmentsOfGroups, GroupsOfRoles};
use std::collections::BTreeSet;

/// The roles of who is in these groups.
#[must_use]
pub fn roles(map: &GroupsOfRoles, groups: &[String]) -> Roles {
    let is_his = |group: &String| group == EVERYBODY || groups.contains(group);
    let his: Vec<Role> = map.iter().filter(|(_, all)| all.iter().any(is_his)).map(|(role, _)| *role).collect();
    Roles::of(&his)
}

/// The environments that he sees; `None`: all.
#[must_use]
pub fn environments(map: Option<&EnvironmentsOfGroups>, groups: &[String]) -> Option<BTreeSet<String>> {
    let is_his = |group: &String| group == EVERYBODY || groups.contains(group);
    map.map(|map| map.iter().filter(|(group, _)| is_his(group)).flat_map(|(_, names)| names).cloned().collect())
}

/// Whether a group has a meaning.
#[must_use]
pub fn names(roles: &GroupsOfRoles, environments: Option<&EnvironmentsOfGroups>, group: &String) -> bool {
    roles.values().any(|all| all.contains(group)) || environments.is_some_and(|map| map.contains_key(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_give_roles_and_environments() {
        let list = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let map = GroupsOfRoles::from([(Role::Run, list(&["dba"])), (Role::Read, list(&["*"]))]);
        let words = |groups: &[&str]| -> Vec<&str> {
            let roles = roles(&map, &list(groups));
            Role::ALL.into_iter().filter(|role| roles.has(*role)).map(Role::word).collect()
        };
        assert_eq!((words(&[]), words(&["dba", "x"])), (vec!["read"], vec!["read", "plan", "run"]));
        // nobody is everybody by the name of a group
        let only = GroupsOfRoles::from([(Role::Run, list(&["dba"]))]);
        assert_eq!(roles(&only, &list(&["*"])), Roles::default());
        let map = EnvironmentsOfGroups::from([("dba".to_owned(), list(&["live"])), ("*".to_owned(), list(&["dev"]))]);
        let sees = |groups: &[&str]| environments(Some(&map), &list(groups)).unwrap().into_iter().collect::<Vec<_>>();
        assert_eq!((sees(&[]), sees(&["dba"])), (list(&["dev"]), list(&["dev", "live"])));
        assert_eq!(environments(None, &[]), None);
    }
}
