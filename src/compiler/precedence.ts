// Who must run before whom, while the passes join kernels and add conditions. They ask thousands of times whether one kernel needs another; a
// search of the whole graph for each answer would make a graph of n kernels take n² steps. So an order is kept in which everything follows what
// it needs: an answer looks only at what lies between the two in that order, and from both ends, as far as the nearer end reaches.

/** A place in the order, and its neighbours in the graph. */
export class Vertex {
  /** Grows along the order. */
  label = 0;
  previous: Vertex | undefined;
  next: Vertex | undefined;
  /** The search that saw it last, and from which end. */
  seen = 0;
  readonly before = new Set<Vertex>();
  readonly after = new Set<Vertex>();
}

export class Precedence {
  /** Edges and places looked at so far: what all answers have cost. */
  steps = 0;
  private last: Vertex | undefined;
  private searches = 0;

  /** A new vertex at the end of the order, which needs those given. */
  add(needed: Iterable<Vertex>): Vertex {
    const vertex = new Vertex();
    this.insert([vertex], this.last, undefined);
    this.setNeeds(vertex, needed);
    return vertex;
  }

  /** Replaces what a vertex needs by vertices that come before it in the order. */
  setNeeds(vertex: Vertex, needed: Iterable<Vertex>): void {
    for (const other of vertex.before) other.after.delete(vertex);
    vertex.before.clear();
    for (const other of needed) connect(other, vertex);
  }

  /** Whether `to` needs `from`: at all (`directly`), or by way of a third vertex. */
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

  /** Adds the condition that `first` comes before `second`, which does not lead to it. */
  link(first: Vertex, second: Vertex): void {
    if (first.label > second.label) {
      const { vertices, isBefore } = this.between(second, first);
      if (isBefore) this.move([...vertices, first], second.previous, second);
      else this.move([second, ...vertices], first, first.next);
    }
    connect(first, second);
  }

  /** Makes one vertex of two between which no third one stands; the one that stays. */
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

  /** The vertices from `low` to `high` in the order that `high` needs, or those that need `low`: whichever are found with less effort; in order. */
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

  /** Labels what is new between its neighbours; where there is no room left, everything anew. */
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
    if (!hasRoom || (at && next && at.label >= next.label)) this.labelAnew();
  }

  private labelAnew(): void {
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

/** A search from one of two vertices towards the other, within what lies between them in the order; breadth first. */
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

  /** What will have been spent after the next step. */
  get cost(): number {
    return this.spent + this.found[this.at][this.along].size;
  }

  /** Looks at the neighbours of one vertex; found when the search from the other end has been at one of them. */
  advance(other?: End): { isFound: boolean; steps: number } {
    const { along, goal, mark, found } = this;
    const vertex = found[this.at++];
    const sign = along === 'after' ? 1 : -1;
    let steps = 0;
    for (const neighbour of vertex[along]) {
      steps++;
      // The edge from end to end is no way by a third one.
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
