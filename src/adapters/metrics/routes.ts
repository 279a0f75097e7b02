/** Figures of every route: how often it is asked, how often it fails, how long it takes. */
import { createLogHistogram, type LogHistogram } from "../../base/log-histogram.ts";
import type { HubStats } from "../../domains/system/port.ts";
import type { RouteMeter, RouteMeters } from "../../kernel/ports.ts";
import type { MetricSet, Tally, Timing } from "./registry.ts";

const secondBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
/** What the quantiles tell apart, in milliseconds: a fast read, and the longest wait of a pull. */
const quantileRange = { min: 0.01, max: 120_000, relativeError: 0.02 };
const tail = 0.95;
const clientFault = 400;
const ownFault = 500;
const msPerSecond = 1000;

export interface MeteredRoutes {
  readonly meters: RouteMeters;
  stats(): HubStats["routes"];
}

interface Figures {
  hits: number;
  errors: number;
  maxMs: number;
  sumMs: number;
  timed: number;
  /** Made with the first request: most routes of a table are never asked. */
  recent: LogHistogram | null;
}

interface Route {
  readonly method: string;
  readonly route: string;
  readonly figures: Figures;
  readonly meter: RouteMeter;
}

export function createRoutes(set: MetricSet): MeteredRoutes {
  const known = new Map<string, Route>();
  const labelNames = ["method", "route"];
  const hits = set.tally({
    name: "arw_http_route_hits_total",
    help: "Requests by route; those of no route count as unmatched.",
    labelNames,
  });
  const errors = set.tally({
    name: "arw_http_route_errors_total",
    help: "Answers of status 400 and above, by route and class.",
    labelNames: [...labelNames, "class"],
  });
  const durations = set.timings({
    name: "arw_http_route_duration_seconds",
    help: "Time from a request's head to the end of its answer, by route; streams are left out.",
    labelNames,
    buckets: secondBuckets,
  });
  return {
    meters: {
      of(method, route) {
        const key = `${method} ${route}`;
        const found =
          known.get(key) ?? createRoute({ method, route, hits, errors, duration: () => durations(method, route) });
        known.set(key, found);
        return found.meter;
      },
    },
    stats: () => [...known.values()].filter((each) => each.figures.hits > 0).map(statsOf),
  };
}

interface RouteParts {
  readonly method: string;
  readonly route: string;
  readonly hits: Tally;
  readonly errors: Tally;
  readonly duration: () => Timing;
}

function createRoute({ method, route, hits, errors, duration }: RouteParts): Route {
  const figures: Figures = { hits: 0, errors: 0, maxMs: 0, sumMs: 0, timed: 0, recent: null };
  const meter: RouteMeter = {
    arrived() {
      figures.hits += 1;
      hits(method, route);
    },
    answered(status, durationMs) {
      if (status >= clientFault) {
        figures.errors += 1;
        errors(method, route, status >= ownFault ? "5xx" : "4xx");
      }
      if (durationMs === null) return;
      figures.timed += 1;
      figures.sumMs += durationMs;
      figures.maxMs = Math.max(figures.maxMs, durationMs);
      figures.recent ??= createLogHistogram(quantileRange);
      figures.recent.observe(durationMs);
      duration().observe(durationMs / msPerSecond);
    },
  };
  return { method, route, figures, meter };
}

function statsOf({ method, route, figures }: Route): HubStats["routes"][number] {
  const { hits, errors, sumMs, maxMs, timed, recent } = figures;
  const meanMs = timed === 0 ? 0 : sumMs / timed;
  return { method, route, hits, errors, meanMs, p95Ms: recent?.quantile(tail) ?? 0, maxMs };
}
