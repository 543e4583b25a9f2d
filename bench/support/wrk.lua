-- The load of the proxy scenario: GET / with the hosts in turn; the heads are made once.
-- Run as: wrk ... -s wrk.lua URL -- HOST_COUNT HOST_SUFFIX browser|bare
local browser = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  ["Accept-Language"] = "en-US,en;q=0.5",
  ["Accept-Encoding"] = "gzip, deflate, br",
  ["Referer"] = "https://www.example.com/a/page",
  ["Cookie"] = "session=0123456789abcdef0123456789abcdef; theme=dark",
  ["Cache-Control"] = "no-cache",
}
local heads = {}
local next_head = 0

function init(arguments)
  local fields = arguments[3] == "browser" and browser or {}
  for i = 1, tonumber(arguments[1]) do
    fields["Host"] = "h" .. (i - 1) .. arguments[2]
    heads[i] = wrk.format("GET", "/", fields)
  end
end

function request()
  next_head = next_head % #heads + 1
  return heads[next_head]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests": %d, "seconds": %.6f, "errors": %d, "p99_us": %d}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(99)))
end
