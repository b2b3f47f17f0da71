package ood

import "encoding/json"

// Setting is one setting of a training run, by the name of its flag.
type Setting struct {
	Name, Value string
	Own         string // what the method has by itself; Value where the run keeps it, and where nothing is the method's
}

// Changed tells whether a run has another value than its method.
func (s Setting) Changed() bool { return s.Value != s.Own }

// Settings are those of a training run, in the order of its flags.
type Settings []Setting

// Get returns the setting of a name.
func (s Settings) Get(name string) (Setting, bool) {
	for _, one := range s {
		if one.Name == name {
			return one, true
		}
	}
	return Setting{}, false
}

// MarshalJSON writes the values as an object, in order; what the method has in the
// place of those that are changed is [Settings.Preset].
func (s Settings) MarshalJSON() ([]byte, error) {
	var w objectWriter
	for _, one := range s {
		w.add(one.Name, one.Value)
	}
	return w.finish()
}

// UnmarshalJSON reads what MarshalJSON writes, all of it as the method's own.
func (s *Settings) UnmarshalJSON(data []byte) error {
	*s = Settings{}
	return eachKey(data, func(name string, value json.RawMessage) error {
		one := Setting{Name: name}
		err := json.Unmarshal(value, &one.Value)
		one.Own = one.Value
		*s = append(*s, one)
		return err
	})
}

// Preset is what the method has where the run has something else, by name.
func (s Settings) Preset() map[string]string {
	var own map[string]string
	for _, one := range s {
		if one.Changed() {
			if own == nil {
				own = map[string]string{}
			}
			own[one.Name] = one.Own
		}
	}
	return own
}

// changedFrom gives settings that were read what the method has.
func (s Settings) changedFrom(preset map[string]string) {
	for i := range s {
		if own, is := preset[s[i].Name]; is {
			s[i].Own = own
		}
	}
}
