"""In what an application differs from itself: clocks, chance, counters, caches.

Noise is judged per route and place over all cases of the route. Both sides are asked again, the
same number of times and in turns, where their first answers differ; what differs in Flask as well
is noise where FastAPI's values could come from the same source.

| module | owns |
| --- | --- |
| `values` | what a single value is: type, number, form; whether it names this process |
| `texts` | pages and texts laid on each other word by word |
| `strands` | the values of all answers at one place |
| `evidence` | exact tests: do both sides draw from one source? |
| `knowledge` | what is known of a route's places from all of its cases |
| `trial` | one case, asked again as often as it takes |
| `review` | the verdict on each difference, and on all cases of a route once they have run |
"""
