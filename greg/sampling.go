package greg

import (
	"fmt"
	"math"
)

// Names of the samplers in a config.
const (
	SampleClusters  = "clusters"  // every step: extremes of clusters among the candidates (DOS, GReg+)
	SampleRanks     = "ranks"     // every epoch: a window of ranks of the whole pool (NTOM)
	SamplePosterior = "posterior" // every epoch: those nearest to a sampled boundary (POEM)
)

// Orders in which auxiliary images are read by methods that do not choose.
const (
	OrderShuffle = "shuffle" // at random, anew whenever they are exhausted; also the empty string
	OrderOffset  = "offset"  // as in the file, every epoch from another image on (code of OE and Energy)
	OrderFile    = "file"    // as in the file, every epoch from the first image on (code of Balanced Energy)
)

// Sampling says how a method chooses the auxiliary images that it trains on. The
// candidates go through the network in evaluation mode; a [Sampler] chooses by
// what comes out. Numbers of images are those of the published settings; where the
// auxiliary set is smaller than Candidates, [Sampling.For] scales them.
type Sampling struct {
	Sampler    string `json:"sampler"`
	Candidates int    `json:"candidates"` // images to choose among: of a step for clusters, else of an epoch
	// PerEpoch, of clusters, is the number of candidates in a whole epoch, from which
	// that of a step follows ([Config.CountCandidates]); 0 where the latter is given.
	PerEpoch int `json:"per_epoch,omitempty"`
	// Shard is how many candidates are read and looked at at a time, 0 for 128: it
	// bounds the memory for them, however many there are.
	Shard int `json:"shard,omitempty"`

	// Of clusters. From and To are ranks by weight, lowest first: only candidates
	// of ranks From to To-1 are clustered; a To of 0 is the end.
	Clusters  int    `json:"clusters,omitempty"`  // k
	Restarts  int    `json:"restarts,omitempty"`  // of k-means
	TwoWay    bool   `json:"two_way,omitempty"`   // lowest and highest of every cluster, not the lowest alone
	Represent string `json:"represent,omitempty"` // what is clustered: see [Representations]
	From      int    `json:"from,omitempty"`
	To        int    `json:"to,omitempty"`

	// FirstFrom, of ranks and posterior: a pool that is not the whole set begins at a
	// random image from this one on, at any where there are no more.
	FirstFrom int `json:"first_from,omitempty"`

	Keep int     `json:"keep,omitempty"` // of ranks and posterior: images for an epoch
	Skip float64 `json:"skip,omitempty"` // of ranks: share of the hardest candidates to leave out (NTOM's q)

	// Of the posterior: POEM's hyper-parameters. Sigma and Noise are variances.
	Conf   float64 `json:"conf,omitempty"`
	Sigma  float64 `json:"sigma,omitempty"`
	Noise  float64 `json:"noise,omitempty"`
	Window int     `json:"window,omitempty"` // epochs whose outliers the posterior knows
}

// For returns the settings for an auxiliary set of n images: when it holds fewer
// than Candidates, that and the numbers of images that count among them shrink in
// proportion, rounded down. Batches keep their size.
func (s Sampling) For(n int) Sampling {
	if s.Sampler == "" || n >= s.Candidates {
		return s
	}
	scale := func(images int) int { return int(int64(images) * int64(n) / int64(s.Candidates)) }
	s.From, s.To, s.Keep = scale(s.From), max(scale(s.To), min(s.To, 1)), max(scale(s.Keep), min(s.Keep, 1))
	s.Candidates = n
	return s
}

// CountCandidates derives the candidates of a step from those of an epoch for n
// in-distribution images, as the authors' code does: floor(PerEpoch/n*batch), at
// least an auxiliary batch. 600,000 an epoch are 1,476 a step of 32 from 13,000. A
// config that gives the candidates of a step is left alone.
func (c *Config) CountCandidates(n int) {
	if c.Sampling.PerEpoch > 0 && n > 0 {
		c.Sampling.Candidates = max(int(int64(c.Sampling.PerEpoch)*int64(c.Batch)/int64(n)), c.AuxBatch)
	}
}

// Copies is how often every one of n auxiliary images stands in the set that steps
// draw from: 1 or, with Replacement, as often as an auxiliary batch needs.
func (c Config) Copies(n int) int {
	if !c.Replacement || n < 1 || n >= c.AuxBatch {
		return 1
	}
	return (c.AuxBatch + n - 1) / n
}

// Describe says in words how auxiliary images are chosen from a set of n, with
// the numbers that hold for it, for a run with perEpoch steps in an epoch and
// batches of m.
func (s Sampling) Describe(n, perEpoch, m int) string {
	f := s.For(n)
	scaled := ""
	if f.Candidates != s.Candidates {
		scaled = fmt.Sprintf(", scaled from %d", s.Candidates)
	}
	if s.PerEpoch > 0 {
		scaled += fmt.Sprintf(" (%d an epoch)", s.PerEpoch)
	}
	switch s.Sampler {
	case SampleClusters:
		what := "lowest"
		if s.TwoWay {
			what = "lowest and highest"
		}
		return fmt.Sprintf("%s of %d clusters (%s, %d restarts) among ranks %d to %d of %d candidates a step%s%s; the set is reshuffled after every %d steps",
			what, s.Clusters, s.Represent, s.Restarts, f.From, f.upTo(), f.Candidates, scaled, s.shards(), max(n/f.Candidates, 1))
	case SampleRanks:
		return fmt.Sprintf("every epoch ranks %d to %d of a pool of %d%s%s, %s", f.skipped(), f.skipped()+f.Keep, f.Candidates, scaled, f.begins(n), reuse(f.Keep, perEpoch*m))
	case SamplePosterior:
		return fmt.Sprintf("every epoch the %d nearest to the sampled boundary of a pool of %d%s%s, %s", f.Keep, f.Candidates, scaled, f.begins(n), reuse(f.Keep, perEpoch*m))
	}
	return fmt.Sprintf("%d a step; the set is reshuffled after every %d steps", m, max(n/max(m, 1), 1))
}

// begins says where the pool of a part of n images begins.
func (s Sampling) begins(n int) string {
	if s.firstFrom(n) == 0 {
		return ""
	}
	return fmt.Sprintf(" that begins at image %d or later", s.FirstFrom)
}

// firstFrom is the first image of n at which a pool may begin.
func (s Sampling) firstFrom(n int) int {
	if n <= s.Candidates || n <= s.FirstFrom {
		return 0
	}
	return s.FirstFrom
}

// shard is how many candidates are looked at at a time.
func (s Sampling) shard() int {
	if s.Shard > 0 {
		return s.Shard
	}
	return viewImages
}

// shards describes a shard that was asked for.
func (s Sampling) shards() string {
	if s.Shard == 0 {
		return ""
	}
	return fmt.Sprintf(", looked at %d at a time", s.Shard)
}

// upTo is the rank after the last that is clustered.
func (s Sampling) upTo() int {
	if s.To == 0 {
		return s.Candidates
	}
	return min(s.To, s.Candidates)
}

// reuse says how often an epoch sees what was chosen for it.
func reuse(kept, wanted int) string {
	if kept >= wanted {
		return fmt.Sprintf("of which it sees %d", wanted)
	}
	return fmt.Sprintf("reshuffled when exhausted: %.1f times an epoch", float64(wanted)/float64(kept))
}

// skipped is the number of the hardest candidates that ranks leave out.
func (s Sampling) skipped() int { return int(math.Floor(s.Skip * float64(s.Candidates))) }

// checkSampling looks at how auxiliary images are drawn and chosen.
func (c Config) checkSampling() error {
	bad := func(format string, a ...any) error { return fmt.Errorf("greg: "+format, a...) }
	s := c.Sampling
	switch {
	case c.AuxOrder != "" && c.AuxOrder != OrderShuffle && c.AuxOrder != OrderOffset && c.AuxOrder != OrderFile:
		return bad("the order of auxiliary images is %q; it must be %s, %s or %s", c.AuxOrder, OrderShuffle, OrderOffset, OrderFile)
	case c.AuxFirst < 0:
		return bad("the first %d auxiliary images; the number must not be negative", c.AuxFirst)
	case s == Sampling{}:
		return nil
	case s.FirstFrom < 0:
		return bad("a pool that begins at image %d; the number must not be negative", s.FirstFrom)
	case s.Shard < 0 || s.PerEpoch < 0:
		return bad("%d candidates looked at at a time, %d in an epoch; neither may be negative", s.Shard, s.PerEpoch)
	case !c.Loss.NeedsAux():
		return bad("%s uses no auxiliary images, so there are none to choose", c.Method)
	case c.AuxOrder != "" && c.AuxOrder != OrderShuffle:
		return bad("%s chooses its auxiliary images, and an order of reading (%s) is for methods that do not", c.Method, c.AuxOrder)
	case s.Candidates < c.AuxBatch:
		return bad("%d candidates for a batch of %d auxiliary images; there must be at least as many", s.Candidates, c.AuxBatch)
	}
	switch s.Sampler {
	case SampleClusters:
		return s.checkClusters(c.AuxBatch)
	case SampleRanks:
		if !(s.Skip >= 0 && s.Skip < 1) || s.Keep < 1 || s.skipped()+s.Keep > s.Candidates {
			return bad("a pool of %d, of which the hardest %g are left out and %d kept: that many are not left", s.Candidates, s.Skip, s.Keep)
		}
	case SamplePosterior:
		return s.checkPosterior()
	default:
		return bad("there is no sampler %q; there are %s, %s and %s", s.Sampler, SampleClusters, SampleRanks, SamplePosterior)
	}
	return nil
}

func (s Sampling) checkClusters(batch int) error {
	bad := func(format string, a ...any) error { return fmt.Errorf("greg: "+format, a...) }
	switch window := s.upTo() - s.From; {
	case s.Clusters < 1 || s.Restarts < 1:
		return bad("%d clusters with %d restarts; both must be at least 1", s.Clusters, s.Restarts)
	case !knownRepresentation(s.Represent):
		return bad("candidates cannot be clustered by %q; there are %v", s.Represent, Representations())
	case s.From < 0 || s.To < 0 || window < batch:
		return bad("ranks %d to %d of %d candidates; there must be at least the %d of a batch between them", s.From, s.upTo(), s.Candidates, batch)
	case s.Clusters > window:
		return bad("%d clusters of %d candidates; there cannot be more", s.Clusters, window)
	case s.TwoWay && batch%2 != 0:
		return bad("an auxiliary batch of %d; with the lowest and the highest of every cluster it must be even", batch)
	}
	return nil
}

func (s Sampling) checkPosterior() error {
	if s.Keep < 1 || s.Keep > s.Candidates {
		return fmt.Errorf("greg: %d images to keep of a pool of %d; there must be at least 1 and no more than the pool has", s.Keep, s.Candidates)
	}
	if s.Window < 1 {
		return fmt.Errorf("greg: a posterior that knows the outliers of %d epochs; it must be at least 1", s.Window)
	}
	for name, v := range map[string]float64{"confidence": s.Conf, "prior variance (sigma)": s.Sigma, "noise variance": s.Noise} {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("greg: the posterior's %s is %g; it must be a positive number", name, v)
		}
	}
	return nil
}
