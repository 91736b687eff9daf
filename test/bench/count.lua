-- What wrk counted, in one line that load.py reads. There is no callback per
-- request, which would cost the load generator more than the request costs the
-- server.
function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        "counted %d requests %d bytes %d us %d connect %d read %d write " ..
        "%d status %d timeout\n", summary.requests, summary.bytes,
        summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
end
