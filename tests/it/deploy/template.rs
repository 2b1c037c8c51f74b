//! `template.yaml` and its nested stacks as JSON, with references resolved from one stack to the next.
//!
//! Read by the checks beside it. It judges nothing itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// The root template is filed under this name, the nested stacks under their logical ids.
pub(super) const ROOT: &str = "Root";

/// Every stack by name.
#[derive(Clone)]
pub(super) struct Stacks(BTreeMap<String, Value>);

/// One resource: the stack it stands in, its logical id, and its body.
#[derive(Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) stack: &'a str,
    pub(super) id: &'a str,
    pub(super) body: &'a Value,
}

impl Stacks {
    /// Reads the root template and every stack it names.
    pub(super) fn read() -> Self {
        let root = read_yaml(&repository().join("template.yaml"));
        let mut stacks = BTreeMap::new();
        for (id, body) in object(&root["Resources"]) {
            if body["Type"] == "AWS::CloudFormation::Stack" {
                let file = body["Properties"]["TemplateURL"].as_str().expect("a nested stack names its file");
                stacks.insert(id.clone(), read_yaml(&repository().join(file)));
            }
        }
        stacks.insert(ROOT.to_owned(), root);
        Self(stacks)
    }

    /// What every function is told.
    pub(super) fn globals(&self) -> &Value {
        &self.0[ROOT]["Globals"]["Function"]["Environment"]["Variables"]
    }

    /// Every resource of one type, in every stack.
    pub(super) fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Resource<'a>> {
        self.all().filter(move |resource| resource.body["Type"] == kind)
    }

    /// Every resource.
    pub(super) fn all(&self) -> impl Iterator<Item = Resource<'_>> {
        self.0.iter().flat_map(|(stack, template)| {
            object(&template["Resources"]).map(move |(id, body)| Resource {
                stack: stack.as_str(),
                id: id.as_str(),
                body,
            })
        })
    }

    /// One resource by stack and logical id; null properties where it does not exist.
    pub(super) fn get(&self, stack: &str, id: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.0.get(stack).map_or(&NULL, |template| &template["Resources"][id])
    }

    /// Follows `Ref` and `Fn::GetAtt` through parameters and outputs to `(stack, logical id)`.
    pub(super) fn target(&self, stack: &str, reference: &Value) -> Option<(String, String)> {
        let name = reference["Ref"].as_str().or_else(|| reference["Fn::GetAtt"].as_str())?;
        let mut parts = name.splitn(3, '.');
        let id = parts.next()?;
        if parts.next() == Some("Outputs") {
            let output = parts.next()?;
            return self.target(id, &self.0.get(id)?["Outputs"][output]["Value"]);
        }
        if self.0.get(stack)?["Resources"].get(id).is_some() {
            return Some((stack.to_owned(), id.to_owned()));
        }
        let given = &self.get(ROOT, stack)["Properties"]["Parameters"][id];
        if stack == ROOT { None } else { self.target(ROOT, given) }
    }

    /// Puts `value` where `pointer` (`Stack:/json/pointer`) points, or takes the place away; whether anything changed.
    pub(super) fn mutate(&mut self, pointer: &str, value: Option<Value>) -> bool {
        let (stack, path) = pointer.split_once(':').expect("a pointer names its stack");
        let template = self.0.get_mut(stack).expect("a pointer names a stack that exists");
        let before = template.clone();
        let (parent, leaf) = path.rsplit_once('/').expect("a pointer has a leaf");
        match (template.pointer_mut(parent), value) {
            (Some(Value::Object(fields)), Some(value)) => drop(fields.insert(leaf.to_owned(), value)),
            (Some(Value::Object(fields)), None) => drop(fields.remove(leaf)),
            (Some(Value::Array(items)), Some(value)) => match leaf.parse::<usize>() {
                Ok(at) if at < items.len() => items[at] = value,
                _ => items.push(value),
            },
            (Some(Value::Array(items)), None) => drop(items.remove(leaf.parse().expect("an index"))),
            _ => return false,
        }
        *template != before
    }
}

/// The fields of an object; none of anything else.
pub(super) fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// A value that may be one thing or a list of them.
pub(super) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

/// The repository's root.
pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the repository").to_owned()
}

fn read_yaml(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let yaml = yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    to_json(yaml)
}

/// `!Ref X` becomes `{"Ref": "X"}`, `!GetAtt A.B` `{"Fn::GetAtt": "A.B"}`, as CloudFormation itself reads them.
fn to_json(yaml: yaml_serde::Value) -> Value {
    match yaml {
        yaml_serde::Value::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let key =
                if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
            json!({ key: to_json(tagged.value) })
        }
        yaml_serde::Value::Mapping(fields) => {
            let key = |key: yaml_serde::Value| key.as_str().expect("keys are text").to_owned();
            fields.into_iter().map(|(name, value)| (key(name), to_json(value))).collect::<Map<_, _>>().into()
        }
        yaml_serde::Value::Sequence(items) => items.into_iter().map(to_json).collect(),
        plain => serde_json::to_value(plain).expect("plain YAML is JSON"),
    }
}
