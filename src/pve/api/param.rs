//! One parameter, or one key of a property string: its line in the table, parsed on demand. Does not check values.

use super::shared;

/// One parameter of a method, or one key of a property string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    name: &'static str,
    fields: &'static str,
}

impl Param {
    pub(super) fn of(line: &'static str) -> Param {
        let (name, fields) = line.split_once('\t').unwrap_or((line, "any"));
        Param { name, fields }
    }

    /// From a line `{name}…`.
    pub(super) fn from_placeholder(line: &'static str) -> Param {
        let param = Param::of(line);
        Param { name: super::placeholder_name(param.name).unwrap_or(param.name), ..param }
    }

    /// Its name; a numbered family ends in `[n]`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a name in a request refers to this parameter.
    #[must_use]
    pub fn answers_to(&self, name: &str) -> bool {
        super::effect::answers(self.name, name)
    }

    /// The type: `string`, `integer`, `number`, `boolean`, `any`, or `alias` for a key that is an alias of another one.
    /// For a list, the type of its items.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let word = self.word().trim_end_matches('?');
        word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).unwrap_or(word)
    }

    /// Whether it is an array: its name may be repeated.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.word().starts_with('[')
    }

    /// Whether it may be left out: it is optional, an alias, or needed only with some value of another parameter.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.word().ends_with('?') || self.kind() == "alias" || self.only_if().is_some()
    }

    /// The allowed values, if it is an enumeration.
    pub fn choices(&self) -> Option<impl Iterator<Item = &'static str> + use<>> {
        self.field("of ").map(|choices| choices.split('|'))
    }

    /// The minimum and maximum, each as written in the table.
    #[must_use]
    pub fn range(&self) -> (Option<&'static str>, Option<&'static str>) {
        let bounds = self.split().find(|field| {
            field.starts_with(|first: char| first.is_ascii_digit() || first == '-' || first == '.')
                && field.contains("..")
        });
        bounds.map_or((None, None), ends)
    }

    /// The minimum and maximum length in characters.
    #[must_use]
    pub fn length(&self) -> (Option<usize>, Option<usize>) {
        let (least, most) = self.field("len ").map_or((None, None), ends);
        (least.and_then(|text| text.parse().ok()), most.and_then(|text| text.parse().ok()))
    }

    /// The Perl pattern of the whole value. Only for information: [`Row::check`](super::Row::check) does not use it.
    #[must_use]
    pub fn pattern(&self) -> Option<&'static str> {
        self.field("~")
    }

    /// The default value, as text. Some defaults are remarks instead of values.
    #[must_use]
    pub fn default(&self) -> Option<&'static str> {
        self.field("=")
    }

    /// Proxmox's name for the format of the value, such as `pve-node` or `ipv4-list`.
    #[must_use]
    pub fn format(&self) -> Option<&'static str> {
        self.field("<")
    }

    /// The keys, if the value is a property string.
    pub fn keys(&self) -> Option<impl Iterator<Item = Param> + use<>> {
        let format = self.split().find(|field| field.starts_with('@'))?;
        Some(shared(format).map(Param::of))
    }

    /// The known keys: those of [`Param::keys`], or of a format that the API only names. The latter are only for
    /// information: [`Row::check`](super::Row::check) does not use them.
    pub fn known_keys(&self) -> Option<impl Iterator<Item = Param> + use<>> {
        let checked = self.split().find(|field| field.starts_with('@')).map(shared);
        let mut told = super::FORMATS.lines();
        let format = self.format();
        told.find(|line| line.strip_prefix('@').is_some_and(|name| Some(name) == format));
        let told: Vec<&'static str> = told.map_while(|line| line.strip_prefix('\t')).collect();
        let lines: Vec<&'static str> = checked.map_or(told, Iterator::collect);
        (!lines.is_empty()).then(|| lines.into_iter().map(Param::of))
    }

    /// Whether it is the default key, whose name may be left out.
    #[must_use]
    pub fn is_default_key(&self) -> bool {
        self.split().any(|field| field == "key")
    }

    /// The key that this one is an alias of, and the key that gets this one's name as its value.
    #[must_use]
    pub fn alias(&self) -> Option<(&'static str, Option<&'static str>)> {
        let alias = self.field("as ")?;
        Some(alias.split_once('/').map_or((alias, None), |(key, name_of)| (key, Some(name_of))))
    }

    /// The parameter that this one requires.
    #[must_use]
    pub fn requires(&self) -> Option<&'static str> {
        self.field("needs ")
    }

    /// The parameter whose value decides whether this one (or this alternative of it) applies, and the values for
    /// which it does.
    #[must_use]
    pub fn only_if(&self) -> Option<(&'static str, impl Iterator<Item = &'static str> + use<>)> {
        let (name, values) = self.field("if ")?.split_once('=')?;
        Some((name, values.split('|')))
    }

    /// The first of 7.4, 8.4 and 9.2 that has the parameter, if that is later than its method's.
    #[must_use]
    pub fn since(&self) -> Option<&'static str> {
        self.field("from ")
    }

    fn word(&self) -> &'static str {
        self.fields.split('\t').next().unwrap_or("any")
    }

    fn split(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.fields.split('\t').skip(1)
    }

    fn field(&self, word: &str) -> Option<&'static str> {
        self.split().find_map(|field| field.strip_prefix(word))
    }
}

/// The two ends of `1..9`, each of which may be missing.
fn ends(bounds: &'static str) -> (Option<&'static str>, Option<&'static str>) {
    let (least, most) = bounds.split_once("..").unwrap_or((bounds, ""));
    (Some(least).filter(|text| !text.is_empty()), Some(most).filter(|text| !text.is_empty()))
}
