//! Routes: a method and a path with parameters, or `$default`.

use std::collections::BTreeMap;

use axum::http::Method;

use super::RouteSettings;

/// The routes of one gateway.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    default: Option<RouteSettings>,
}

#[derive(Debug)]
struct Route {
    settings: RouteSettings,
    /// `None` is `ANY`.
    method: Option<Method>,
    path: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Word(String),
    /// `{name}`: one segment.
    Segment(String),
    /// `{name+}`: the rest, at least one character.
    Rest(String),
}

/// The route a request took.
pub(super) struct Hit<'a> {
    pub(super) key: &'a str,
    pub(super) function: &'a str,
    pub(super) parameters: BTreeMap<&'a str, String>,
}

impl Routes {
    /// Reads the route keys; the error is the key that is none.
    pub(crate) fn new(settings: Vec<RouteSettings>) -> Result<Self, String> {
        let mut routes = Self::default();
        for settings in settings {
            if settings.key == "$default" {
                routes.default = Some(settings);
                continue;
            }
            let (method, path) = parse(&settings.key).ok_or_else(|| settings.key.clone())?;
            routes.routes.push(Route { settings, method, path });
        }
        Ok(routes)
    }

    /// AWS "Create routes for HTTP APIs": a full match wins over a greedy one, that over `$default`; among equals a
    /// method wins over `ANY`.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Hit<'_>> {
        let hits = self.routes.iter().filter(|route| route.method.as_ref().is_none_or(|own| own == method));
        let hits = hits.filter_map(|route| Some((route, route.matches(path)?)));
        let rank = |route: &Route| (route.is_greedy(), route.method.is_none(), usize::MAX - route.path.len());
        match hits.min_by_key(|(route, _)| rank(route)) {
            Some((Route { settings, .. }, parameters)) => {
                Some(Hit { key: &settings.key, function: &settings.function, parameters })
            }
            None => self.default.as_ref().map(|settings| Hit {
                key: &settings.key,
                function: &settings.function,
                parameters: BTreeMap::new(),
            }),
        }
    }
}

impl Route {
    fn matches(&self, path: &str) -> Option<BTreeMap<&str, String>> {
        let mut parameters = BTreeMap::new();
        let mut rest = Some(path.strip_prefix('/')?);
        for part in &self.path {
            let all = rest?;
            let (segment, after) =
                all.split_once('/').map_or((all, None), |(segment, after)| (segment, Some(after)));
            match part {
                Part::Word(word) if word == segment => rest = after,
                Part::Segment(name) if !segment.is_empty() => {
                    parameters.insert(name.as_str(), segment.to_owned());
                    rest = after;
                }
                Part::Rest(name) if !all.is_empty() => {
                    parameters.insert(name.as_str(), all.to_owned());
                    rest = None;
                }
                _ => return None,
            }
        }
        rest.is_none().then_some(parameters)
    }

    fn is_greedy(&self) -> bool {
        matches!(self.path.last(), Some(Part::Rest(_)))
    }
}

fn parse(key: &str) -> Option<(Option<Method>, Vec<Part>)> {
    let (method, path) = key.split_once(' ')?;
    let method = if method == "ANY" { None } else { Some(method.parse().ok()?) };
    let part = |word: &str| match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Part::Rest(name.to_owned()),
            None => Part::Segment(name.to_owned()),
        },
        None => Part::Word(word.to_owned()),
    };
    Some((method, path.strip_prefix('/')?.split('/').map(part).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let route = |key: &str| RouteSettings { key: key.to_owned(), function: key.to_owned() };
        let keys = ["$default", "ANY /auth/{proxy+}", "GET /runs/{id}", "GET /auth/me"];
        Routes::new(keys.into_iter().map(route).collect()).unwrap()
    }

    #[test]
    fn the_most_specific_route_wins_and_the_rest_goes_to_default() {
        let routes = routes();
        let key = |method, path| routes.find(&method, path).unwrap().key;
        assert_eq!(key(Method::GET, "/auth/callback"), "ANY /auth/{proxy+}");
        assert_eq!(key(Method::POST, "/auth/a/b"), "ANY /auth/{proxy+}");
        assert_eq!(key(Method::GET, "/auth/me"), "GET /auth/me");
        assert_eq!(key(Method::POST, "/auth/me"), "ANY /auth/{proxy+}");
        assert_eq!(key(Method::GET, "/runs/7"), "GET /runs/7".replace('7', "{id}"));
        for path in ["/", "/auth", "/auth/", "/authx/y", "/runs/7/tasks"] {
            assert_eq!(key(Method::GET, path), "$default", "{path}");
        }
    }

    #[test]
    fn parameters_are_what_the_path_says() {
        let routes = routes();
        assert_eq!(routes.find(&Method::GET, "/auth/a/b").unwrap().parameters["proxy"], "a/b");
    }

    #[test]
    fn a_key_without_a_method_is_none() {
        let settings = RouteSettings { key: "/auth".to_owned(), function: "signin".to_owned() };
        assert_eq!(Routes::new(vec![settings]).unwrap_err(), "/auth");
    }
}
