/** Whether everything comes to its end: what the graph of owed steps says about states that are not done. */

/** Steps lead `from[i]` `to[i]`; there are none out of states that are done. */
export type Graph = { readonly isDone: boolean[]; readonly from: number[]; readonly to: number[] };

/** For each state, the steps into it, as one list behind the other: step `order[first[s]] ...` to `order[first[s + 1]]`. */
const stepsInto = ({ isDone, to }: Graph) => {
  const first = new Int32Array(isDone.length + 1);
  for (const target of to) first[target + 1] = (first[target + 1] ?? 0) + 1;
  for (let state = 0; state < isDone.length; state += 1)
    first[state + 1] = (first[state + 1] ?? 0) + (first[state] ?? 0);
  const place = first.slice();
  const order = new Int32Array(to.length);
  to.forEach((target, step) => {
    order[place[target] ?? 0] = step;
    place[target] = (place[target] ?? 0) + 1;
  });
  return (state: number): Int32Array => order.subarray(first[state], first[state + 1]);
};

/** The first state from which no way leads to the end. Where there is none, no strongly connected part keeps what enters it. */
export const stuckIn = (graph: Graph): number | undefined => {
  const into = stepsInto(graph);
  const reaches = Uint8Array.from(graph.isDone, Number);
  const open = [...reaches.keys()].filter((state) => reaches[state] === 1);
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const step of into(state)) {
      const before = graph.from[step] ?? 0;
      if (reaches[before] === 1) continue;
      reaches[before] = 1;
      open.push(before);
    }
  }
  const stuck = reaches.indexOf(0);
  return stuck === -1 ? undefined : stuck;
};

/** The longest row of owed steps before the end, whatever their order; infinite where they can go on for ever. */
export const longestWayToDone = (graph: Graph): number => {
  const into = stepsInto(graph);
  const left = new Int32Array(graph.isDone.length);
  for (const state of graph.from) left[state] = (left[state] ?? 0) + 1;
  const length = new Int32Array(graph.isDone.length);
  const settled = [...left.keys()].filter((state) => left[state] === 0);
  let [count, longest] = [0, 0];
  for (let state = settled.pop(); state !== undefined; state = settled.pop()) {
    count += 1;
    longest = Math.max(longest, length[state] ?? 0);
    for (const step of into(state)) {
      const before = graph.from[step] ?? 0;
      length[before] = Math.max(length[before] ?? 0, (length[state] ?? 0) + 1);
      left[before] = (left[before] ?? 0) - 1;
      if (left[before] === 0) settled.push(before);
    }
  }
  return count === graph.isDone.length ? longest : Number.POSITIVE_INFINITY;
};
