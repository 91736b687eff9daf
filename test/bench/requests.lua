-- What wrk sends, by its environment, and what it counted, in one line that
-- load.py reads. With one token for all there is no function per request:
-- it would cost the load generator more than the request costs the server.
local first = os.getenv("BENCH_FIRST")
local body = os.getenv("BENCH_BODY")

if first then
    -- One token after the other: those of upstream.made_up(tokens, first).
    local tokens = tonumber(os.getenv("BENCH_TOKENS"))
    local form = "oat_" .. first .. "%0" .. (48 - #first) .. "x"
    local host, path = wrk.host .. ":" .. wrk.port, wrk.path
    local head = "GET " .. path .. " HTTP/1.1\r\nHost: " .. host ..
        "\r\nAuthorization: Bearer "
    local number = -1
    request = function()
        number = (number + 1) % tokens
        return head .. string.format(form, number) .. "\r\n\r\n"
    end
elseif body then
    wrk.method = "POST"
    wrk.body = body
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        "counted %d requests %d bytes %d us %d connect %d read %d write " ..
        "%d status %d timeout\n", summary.requests, summary.bytes,
        summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
end
