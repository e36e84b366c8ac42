// Dependencies between kernels, while the passes merge kernels and add conditions. The passes query thousands of times whether one kernel
// depends on another. A search of the whole graph would take n² steps for n kernels. Therefore a topological order is kept. A query
// searches between the two vertices in that order, from both ends, and stops when the cheaper search ends.

/** A vertex with its label in the order and its neighbours in the graph. */
export class Vertex {
  /** Increases along the order. */
  label = 0;
  previous: Vertex | undefined;
  next: Vertex | undefined;
  /** Number of the last search that reached this vertex. The two ends of a search have different numbers. */
  seen = 0;
  readonly before = new Set<Vertex>();
  readonly after = new Set<Vertex>();
}

export class Precedence {
  /** Number of edges and vertices visited so far, by all queries. */
  steps = 0;
  private last: Vertex | undefined;
  private searches = 0;

  /** Adds a vertex at the end of the order. It depends on those given. */
  add(needed: Iterable<Vertex>): Vertex {
    const vertex = new Vertex();
    this.insert([vertex], this.last, undefined);
    this.setNeeds(vertex, needed);
    return vertex;
  }

  /** Replaces the dependencies of a vertex. The new ones must come before it in the order. */
  setNeeds(vertex: Vertex, needed: Iterable<Vertex>): void {
    for (const other of vertex.before) other.after.delete(vertex);
    vertex.before.clear();
    for (const other of needed) connect(other, vertex);
  }

  /** Whether `to` depends on `from`: in any way if `directly` is true, else only through a third vertex. */
  leads(from: Vertex, to: Vertex, directly: boolean): boolean {
    if (from.label >= to.label) return false;
    if (directly && to.before.has(from)) return true;
    const [forward, backward] = this.ends(from, to);
    while (!forward.isDone && !backward.isDone) {
      const { isFound, steps } = forward.cost <= backward.cost ? forward.advance(backward) : backward.advance(forward);
      this.steps += steps;
      if (isFound) return true;
    }
    return false;
  }

  /** Adds the condition that `first` comes before `second`. `second` must not lead to `first`. */
  link(first: Vertex, second: Vertex): void {
    if (first.label > second.label) {
      const { vertices, isBefore } = this.between(second, first);
      if (isBefore) this.move([...vertices, first], second.previous, second);
      else this.move([second, ...vertices], first, first.next);
    }
    connect(first, second);
  }

  /** Merges two vertices and returns the one that remains. Neither may depend on the other through a third vertex. */
  join(a: Vertex, b: Vertex): Vertex {
    const [low, high] = a.label < b.label ? [a, b] : [b, a];
    const { vertices, isBefore } = this.between(low, high);
    if (isBefore) this.move(vertices, low.previous, low);
    else this.move(vertices, high, high.next);
    const [stays, goes] = degree(a) < degree(b) ? [b, a] : [a, b];
    if (goes === (isBefore ? low : high)) {
      this.remove(stays);
      this.insert([stays], goes, goes.next);
    }
    this.remove(goes);
    for (const other of goes.before) {
      other.after.delete(goes);
      connect(other, stays);
    }
    for (const other of goes.after) {
      other.before.delete(goes);
      connect(stays, other);
    }
    return stays;
  }

  /**
   * Returns the vertices between `low` and `high` in the order: those that `high` depends on, or those that depend on `low`. The cheaper
   * search decides which. They are in order.
   */
  private between(low: Vertex, high: Vertex): { vertices: Vertex[]; isBefore: boolean } {
    const [forward, backward] = this.ends(low, high);
    while (!forward.isDone && !backward.isDone) this.steps += (forward.cost <= backward.cost ? forward : backward).advance().steps;
    const { found } = backward.isDone ? backward : forward;
    return { vertices: found.slice(1).sort((a, b) => a.label - b.label), isBefore: backward.isDone };
  }

  private ends(from: Vertex, to: Vertex): [End, End] {
    this.searches += 2;
    return [new End(from, to, 'after', this.searches), new End(to, from, 'before', this.searches + 1)];
  }

  private move(vertices: readonly Vertex[], previous: Vertex | undefined, next: Vertex | undefined): void {
    for (const vertex of vertices) this.remove(vertex);
    this.insert(vertices, previous, next);
  }

  /** Labels the inserted vertices between their neighbours. If the labels have no more precision, all vertices get new ones. */
  private insert(vertices: readonly Vertex[], previous: Vertex | undefined, next: Vertex | undefined): void {
    const from = previous?.label ?? (next ? next.label - vertices.length - 1 : 0);
    const step = next ? (next.label - from) / (vertices.length + 1) : 1;
    let at = previous;
    let hasRoom = true;
    vertices.forEach((vertex, i) => {
      vertex.label = from + step * (i + 1);
      hasRoom &&= vertex.label > (at?.label ?? -Infinity);
      vertex.previous = at;
      if (at) at.next = vertex;
      at = vertex;
    });
    if (at) at.next = next;
    if (next) next.previous = at;
    else this.last = at;
    if (!hasRoom || (at && next && at.label >= next.label)) this.relabelAll();
  }

  private relabelAll(): void {
    let label = 0;
    for (let vertex = this.last; vertex; vertex = vertex.previous, this.steps++) vertex.label = label--;
  }

  private remove({ previous, next }: Vertex): void {
    if (previous) previous.next = next;
    if (next) next.previous = previous;
    else this.last = previous;
  }
}

const degree = ({ before, after }: Vertex): number => before.size + after.size;

function connect(first: Vertex, second: Vertex): void {
  if (first === second) return;
  first.after.add(second);
  second.before.add(first);
}

/** A breadth-first search from one vertex towards another, limited to the vertices between them in the order. */
class End {
  readonly found: Vertex[];
  private at = 0;
  private spent = 0;
  private readonly goal: Vertex;
  private readonly along: 'before' | 'after';
  private readonly mark: number;

  constructor(start: Vertex, goal: Vertex, along: 'before' | 'after', mark: number) {
    this.found = [start];
    this.goal = goal;
    this.along = along;
    this.mark = mark;
    start.seen = mark;
  }

  get isDone(): boolean {
    return this.at === this.found.length;
  }

  /** Number of edges visited after the next step. */
  get cost(): number {
    return this.spent + this.found[this.at][this.along].size;
  }

  /** Visits the neighbours of one vertex. `isFound` is true if the search from the other end has reached one of them. */
  advance(other?: End): { isFound: boolean; steps: number } {
    const { along, goal, mark, found } = this;
    const vertex = found[this.at++];
    const sign = along === 'after' ? 1 : -1;
    let steps = 0;
    for (const neighbour of vertex[along]) {
      steps++;
      // A direct edge between the two ends does not count.
      if (neighbour === goal && vertex === found[0]) continue;
      if (neighbour.seen === other?.mark) return { isFound: true, steps };
      if (neighbour.seen === mark || (goal.label - neighbour.label) * sign <= 0) continue;
      neighbour.seen = mark;
      found.push(neighbour);
    }
    this.spent += steps;
    return { isFound: false, steps };
  }
}
