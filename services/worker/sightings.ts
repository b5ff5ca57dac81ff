/** How long things have looked the same to us, on our own clock: the wall clocks of two machines are never compared alone. */

export type Sightings = {
  /** Between two of these everything that still matters is looked at; what was not looked at is forgotten. */
  readonly beginLook: () => void;
  /** For how many milliseconds, at least, `key` has had this value. */
  readonly unchangedMs: (key: string, value: number) => number;
};

type Sighting = { readonly value: number; readonly since: number };

/** `monotonic` counts milliseconds and is never set. */
export const sightings = (monotonic: () => number): Sightings => {
  let before = new Map<string, Sighting>();
  let now = new Map<string, Sighting>();
  return {
    beginLook: () => {
      before = now;
      now = new Map();
    },
    unchangedMs: (key, value) => {
      const last = now.get(key) ?? before.get(key);
      const sighting = last?.value === value ? last : { value, since: monotonic() };
      now.set(key, sighting);
      return monotonic() - sighting.since;
    },
  };
};
