import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a driver is made of: the loop of requests and answers. drivers.py tells the protocol. */
final class Driver {
    /** One verb: what is asked, and what is answered. */
    interface Verb {
        Map<String, ?> call(JsonNode asked) throws Exception;
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    static synchronized void tell(Map<String, ?> what) {
        try {
            System.out.println(JSON.writeValueAsString(what));
            System.out.flush();
        } catch (java.io.IOException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Answers the requests on standard input until it ends. */
    static void serve(Map<String, Verb> verbs) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            JsonNode asked = JSON.readTree(line);
            var answer = new LinkedHashMap<String, Object>();
            answer.put("id", asked.get("id").asInt());
            Verb verb = verbs.get(asked.get("do").asText());
            if (verb == null) {
                answer.put("lacks", "it has no such call");
            } else {
                try {
                    answer.put("ok", verb.call(asked));
                } catch (Exception error) {
                    Throwable cause = error instanceof java.util.concurrent.ExecutionException ? error.getCause() : error;
                    answer.put("error", cause.toString());
                }
            }
            tell(answer);
        }
    }

    private Driver() {}
}
