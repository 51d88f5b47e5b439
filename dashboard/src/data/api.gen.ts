// Made by `npm run types` from the controller's OpenAPI document; not to be edited.
// Used by data/shapes.ts.

export interface paths {
    "/api/v1/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accounts that were set */
        get: operations["list_accounts_api_v1_accounts_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/default": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The account of every user without one */
        get: operations["show_default_account_api_v1_accounts_default_get"];
        /** Set the account of every user without one */
        put: operations["put_default_account_api_v1_accounts_default_put"];
        post?: never;
        /** Users without an account have no limits any more */
        delete: operations["remove_default_account_api_v1_accounts_default_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/{scope}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The account of a user or a group
         * @description 404 when none was set.
         */
        get: operations["show_account_api_v1_accounts__scope___name__get"];
        /**
         * Set the account of a user or a group
         * @description It holds from the next decision of the scheduler on; nothing that runs is ended by it.
         */
        put: operations["put_account_api_v1_accounts__scope___name__put"];
        post?: never;
        /**
         * Remove the account of a user or a group
         * @description What was used stays.
         */
        delete: operations["remove_account_api_v1_accounts__scope___name__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alert-routes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is told of what
         * @description In the order in which they are tried. While there is none, all channels hear of everything.
         */
        get: operations["show_routes_api_v1_alert_routes_get"];
        /**
         * Write all routes and inhibitions anew
         * @description 409: a name comes twice, or there is no such channel. Without routes the default holds.
         */
        put: operations["write_routes_api_v1_alert_routes_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alert-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alert rules, shipped ones included */
        get: operations["list_rules_api_v1_alert_rules_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alert-rules/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * What a rule would have done in the past
         * @description Nothing is kept. How far apart the points are that it looks at, the answer says.
         */
        post: operations["preview_rule_api_v1_alert_rules_preview_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alert-rules/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An alert rule */
        get: operations["show_rule_api_v1_alert_rules__name__get"];
        /**
         * Write an alert rule in full
         * @description From the next round on. One with the name of a shipped one is in force instead of it.
         */
        put: operations["put_rule_api_v1_alert_rules__name__put"];
        post?: never;
        /**
         * Remove an alert rule
         * @description Its alerts end. A shipped one is as it was shipped again. 409: it is that already.
         */
        delete: operations["remove_rule_api_v1_alert_rules__name__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Alerts, the worst first
         * @description Resolved ones stay for a while, 24 hours at most. `watch` says when somebody last looked.
         */
        get: operations["list_alerts_api_v1_alerts_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An alert */
        get: operations["show_alert_api_v1_alerts__id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{id}/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say that you have seen it
         * @description No reminders of it, until it ends, changes or becomes worse. 409: it does not stand.
         */
        post: operations["acknowledge_api_v1_alerts__id__ack_post"];
        /** Take that back: there are reminders again */
        delete: operations["take_back_api_v1_alerts__id__ack_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ca": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The controller's certificate authority
         * @description As PEM. Whoever fetches it over an unverified connection compares its SHA-256 with the one in a join token before trusting it.
         */
        get: operations["ca_api_v1_ca_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Channels, and how they fare */
        get: operations["list_channels_api_v1_channels_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A channel, without its secrets */
        get: operations["show_channel_api_v1_channels__name__get"];
        /**
         * Write a channel in full
         * @description Its secrets are kept, and never shown again: whoever changes anything gives them again.
         */
        put: operations["put_channel_api_v1_channels__name__put"];
        post?: never;
        /**
         * Remove a channel
         * @description What waits to be sent there is given up. 409: a route leads to it.
         */
        delete: operations["remove_channel_api_v1_channels__name__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{name}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test message
         * @description Answered when the channel has taken it. 502: it did not, and says why.
         */
        post: operations["send_test_api_v1_channels__name__test_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was sent, waits or was given up; newest first
         * @description They stay for a day after they were sent or given up.
         */
        get: operations["list_deliveries_api_v1_deliveries_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Events, oldest first
         * @description `newest=true` gives the last `limit` of them instead.
         */
        get: operations["list_events_api_v1_events_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Events as they happen
         * @description Server-sent events: `id` the event's id, `event` its type, `data` its JSON. Without `Last-Event-ID` from now on. A comment every 15 seconds says that the stream is alive.
         */
        get: operations["stream_events_api_v1_events_stream_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/fleet": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every GPU at a glance
         * @description Nodes, and the GPUs as columns: what they measure, who has them, how they fare. What is older than 30 seconds is null.
         */
        get: operations["show_fleet_api_v1_fleet_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/fleet/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every GPU, as it changes
         * @description Server-sent events: `fleet`, the same as `GET fleet`, once; then `delta`, at most once a second, the changed rows alone: `{"at", "revision", "nodes": [[ROW, {FIELD: VALUE}]], "gpus": [[ROW, {COLUMN: VALUE}]]}`. Where rows came or went, `fleet` again. An empty `delta` every ten seconds says that the stream is alive.
         */
        get: operations["stream_fleet_api_v1_fleet_stream_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/gpus": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** GPUs of all nodes, with the job that holds each */
        get: operations["list_gpus_api_v1_gpus_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the API answers and reaches its store */
        get: operations["health_api_v1_health_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/history/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics that there is something of */
        get: operations["list_metrics_api_v1_history_metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/history/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A metric over time
         * @description `job` and `workload`: only of the GPUs that they had, while they had them; `since` is then since they began. With `by`, each series is averaged over a step before `sum` or `count` is taken of them.
         */
        get: operations["query_history_api_v1_history_query_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Jobs, newest first
         * @description Without the parts of gangs, which `part_of` alone names. `array`: the tasks of that one.
         */
        get: operations["list_jobs_api_v1_jobs_get"];
        put?: never;
        /**
         * Submit a job, or an array of jobs
         * @description Answered once it is durable. With an `Idempotency-Key` that was used before: 200 and the job of that time, or 409 when the body was another. With `array` there are many, and the answer has their ids.
         */
        post: operations["submit_job_api_v1_jobs_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * What would become of a job
         * @description The body is that of `POST jobs`, and is refused for the same reasons; nothing is kept. Of an array: its first task.
         */
        post: operations["preview_job_api_v1_jobs_preview_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A job, or an array
         * @description That of a gang has its `parts`; an array, how many of its tasks are in which state.
         */
        get: operations["show_job_api_v1_jobs__id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask a job to end
         * @description One that waits is CANCELED at once; one that runs gets its stop signal, and SIGKILL after its grace. 409 when it has ended. Of an array: all its tasks that have not ended.
         */
        post: operations["cancel_job_api_v1_jobs__id__cancel_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/environment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a job was submitted with
         * @description For its owner alone: nobody else, admins neither.
         */
        get: operations["show_environment_api_v1_jobs__id__environment_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened to a job, oldest first */
        get: operations["job_events_api_v1_jobs__id__events_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a job wrote
         * @description Raw bytes from `offset` on, or the last `tail` lines; at most `limit` of them, or all that there are. `follow=true` goes on to the job's end. `attempt`: the last if not given. `rank`: of which part of a gang, the first if not given.
         */
        get: operations["show_log_api_v1_jobs__id__logs_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Submit an ended job again
         * @description A new job with the same spec and environment. For its owner, since nobody else knows the environment. 409 unless it has ended.
         */
        post: operations["retry_job_api_v1_jobs__id__retry_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/why": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Why a job is in its state
         * @description For one that waits: what blocks it, who holds it, how many jobs are ahead, when it is expected to begin, and what would let it begin now.
         */
        get: operations["why_job_api_v1_jobs__id__why_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/leases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** GPUs reserved for jobs */
        get: operations["list_leases_api_v1_leases_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in by password
         * @description A token of kind `session`, for 12 hours. Guesses are counted by user and by address.
         */
        post: operations["login_api_v1_login_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Nodes, by name
         * @description `samples` is null when older than 30 seconds; `jobs` are those that hold GPUs there; `strays` are workloads on its GPUs that nobody queued.
         */
        get: operations["list_nodes_api_v1_nodes_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/join-command": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The command that lets a machine join
         * @description Makes a join token. The command names this controller as the asker reached it; the token says which certificate to trust.
         */
        post: operations["join_command_api_v1_nodes_join_command_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A node */
        get: operations["show_node_api_v1_nodes__name__get"];
        put?: never;
        post?: never;
        /**
         * Forget a node
         * @description Its certificate opens nothing any more. 409 while jobs hold leases there.
         */
        delete: operations["remove_node_api_v1_nodes__name__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{name}/arbiter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a node's arbiter says
         * @description Which services step aside for whom, who has the node's GPUs by it, who waits there. `unknown`: the node's agent never told. Of a node that is not up it is what was told last.
         */
        get: operations["show_node_arbiter_api_v1_nodes__name__arbiter_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{name}/declare-dead": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say that nothing runs on a silent node any more
         * @description Its lost jobs are queued again, so be sure. 409 for a node that is up: it is not dead.
         */
        post: operations["declare_node_dead_api_v1_nodes__name__declare_dead_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{name}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let no new job onto a node
         * @description What runs there goes on.
         */
        post: operations["drain_node_api_v1_nodes__name__drain_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{name}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End a drain */
        post: operations["resume_node_api_v1_nodes__name__resume_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether jobs are held after a restore */
        get: operations["show_queue_api_v1_queue_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Place jobs again after a restore
         * @description For an operator who knows that no node runs what the restored store does not know of.
         */
        post: operations["resume_queue_api_v1_queue_resume_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reports/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who held the GPUs, and how much of it idle
         * @description As measured on the nodes, whether it was queued or not. `since` is 30 days ago by default.
         */
        get: operations["usage_report_api_v1_reports_usage_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reservations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reservations, which begins first is first
         * @description Those that ended stay for some days.
         */
        get: operations["list_reservations_api_v1_reservations_get"];
        put?: never;
        /**
         * Keep nodes for somebody, or for nobody
         * @description Jobs that could still run at `start` and are not for it are not placed there any more; what runs there goes on. 409: no such node, user or group, it would be over already, or another reservation has its name, or its nodes at that time.
         */
        post: operations["add_reservation_api_v1_reservations_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reservations/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A reservation, by its id or its name */
        get: operations["show_reservation_api_v1_reservations__name__get"];
        put?: never;
        post?: never;
        /**
         * End a reservation, or take it back
         * @description By its id or its name. What runs in it goes on.
         */
        delete: operations["remove_reservation_api_v1_reservations__name__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in a browser
         * @description The answer sets the cookie `sentinel_session`, which counts where there is no `Authorization`. With it, all but GET needs the header `X-Sentinel-Csrf: 1`, and comes from a page of this controller. A session that is begun with a token ends no later than the token; with a code, no later than the token that the code was made with.
         */
        post: operations["begin_session_api_v1_session_post"];
        /**
         * Log out a browser
         * @description Its cookie opens nothing any more. Told twice: the same.
         */
        delete: operations["end_session_api_v1_session_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a code to log in with
         * @description It begins one session in a browser, as whoever asks, within 60 seconds: at `/#code=CODE` of the controller, as `sentinel dashboard` prints it. It is in this answer, and never again.
         */
        post: operations["make_session_code_api_v1_session_codes_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/silences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Silences, which ends first is first
         * @description Those that ended stay for seven days.
         */
        get: operations["list_silences_api_v1_silences_get"];
        put?: never;
        /**
         * Tell nobody of some alerts for a while
         * @description They are still shown. 409: it would be over already, or nobody here knows its time zone.
         */
        post: operations["add_silence_api_v1_silences_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/silences/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A silence */
        get: operations["show_silence_api_v1_silences__id__get"];
        put?: never;
        post?: never;
        /**
         * End a silence now
         * @description One that has not begun is gone; others stay for seven days to be looked at.
         */
        delete: operations["end_silence_api_v1_silences__id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/slurm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Nodes, CPUs, GPUs and queue of a Slurm cluster
         * @description 404 where no cluster is watched: see `[slurm]` in the controller's config file.
         */
        get: operations["show_slurm_api_v1_slurm_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tokens
         * @description One's own; admins see everybody's, or those of `owner`.
         */
        get: operations["list_tokens_api_v1_tokens_get"];
        put?: never;
        /**
         * Make a token
         * @description The secret is in this answer, and never again. A token may what its owner's role may.
         */
        post: operations["make_token_api_v1_tokens_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a token
         * @description It works with the next request that comes with it. Told twice: the same.
         */
        delete: operations["revoke_token_api_v1_tokens__id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What users and groups have had
         * @description `gpu_hours` are those of the last 30 days. All who have an account, or have or had GPUs.
         */
        get: operations["list_usage_api_v1_usage_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Users */
        get: operations["list_users_api_v1_users_get"];
        put?: never;
        /** Add a user */
        post: operations["add_user_api_v1_users_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a user
         * @description With all of the user's tokens. 409 while the user has jobs that have not ended.
         */
        delete: operations["remove_user_api_v1_users__name__delete"];
        options?: never;
        head?: never;
        /**
         * Change a user
         * @description What is left out stays. It works with the user's next request; a new password and disabling end the user's sessions. Jobs count for the group that their owner was in when they were submitted.
         */
        patch: operations["change_user_api_v1_users__name__patch"];
        trace?: never;
    };
    "/api/v1/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What version answers */
        get: operations["version_api_v1_version_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is asking */
        get: operations["whoami_api_v1_whoami_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workloads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What nodes see on their GPUs, managed or not
         * @description `node` is a node's name, `owner` a Unix user there, `state` how it stands.
         */
        get: operations["list_workloads_api_v1_workloads_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The controller's own metrics
         * @description In Prometheus' format, or in OpenMetrics where that is asked for. Those of the nodes and their GPUs are at `:9400/metrics` of each agent.
         */
        get: operations["show_metrics_metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AccountRequest
         * @description An account in full: what is left out is as in a new one.
         */
        AccountRequest: {
            /** @default {} */
            limits?: components["schemas"]["LimitsRequest"];
            /**
             * Weight
             * @description Its part, against those of others.
             * @default 1
             */
            weight?: number;
        };
        /**
         * AccountShape
         * @description What a user, a group or, by default, each user may have. `users`: how many it holds for now.
         */
        AccountShape: {
            limits: components["schemas"]["LimitsShape"];
            /** Name */
            name: string;
            /**
             * Scope
             * @enum {string}
             */
            scope: "user" | "group" | "default";
            /** Users */
            users: number;
            /** Weight */
            weight: number;
        };
        /**
         * AckShape
         * @description Who has seen it.
         */
        AckShape: {
            /** At */
            at: string;
            /** By */
            by: string;
            /** Why */
            why: string;
        };
        /**
         * AfterRequest
         * @description A job, or an array, that another job waits for.
         */
        AfterRequest: {
            /**
             * Job
             * @description Its id, or a unique beginning. Of an array: all its tasks.
             */
            job: string;
            /**
             * Kind
             * @description Begin when it has SUCCEEDED; has ended, however; has FAILED or was CANCELED.
             * @default ok
             * @enum {string}
             */
            kind?: "ok" | "any" | "notok";
        };
        /**
         * AfterShape
         * @description A job that is waited for.
         */
        AfterShape: {
            /** Job */
            job: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "ok" | "any" | "notok";
        };
        /**
         * Aggregate
         * @description How many values become one.
         * @enum {string}
         */
        Aggregate: "avg" | "min" | "max" | "sum" | "last" | "count";
        /**
         * AlertPageShape
         * @description `watch` null: nobody has ever looked, so that no alerts means nothing.
         */
        AlertPageShape: {
            /** Items */
            items: components["schemas"]["AlertShape"][];
            /** Next */
            next: string | null;
            watch: components["schemas"]["WatchShape"] | null;
        };
        /**
         * AlertShape
         * @description An alert. Times are RFC 3339 UTC; null is unknown or not yet.
         */
        AlertShape: {
            ack: components["schemas"]["AckShape"] | null;
            /** Annotations */
            annotations: {
                [key: string]: string;
            };
            /** Blind */
            blind: number | null;
            /** Clear */
            clear: number | null;
            /** Ended At */
            ended_at: string | null;
            /** Extra */
            extra: {
                [key: string]: string;
            };
            /** Fingerprint */
            fingerprint: string;
            /** Fired At */
            fired_at: string | null;
            /** Held */
            held: number;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Metric */
            metric: string;
            muted: components["schemas"]["MutedShape"] | null;
            /** Next Step */
            next_step: string | null;
            /** Rule */
            rule: string;
            /** Series */
            series: {
                [key: string]: string;
            };
            /**
             * Severity
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /** Started At */
            started_at: string;
            /**
             * State
             * @enum {string}
             */
            state: "pending" | "firing" | "no-data" | "resolved";
            /** Summary */
            summary: string;
            /** Told */
            told: components["schemas"]["ToldShape"][];
            /** Value */
            value: number | null;
            /** Why */
            why: string;
        };
        /**
         * ArbiterHoldShape
         * @description An admin keeps the services of a node off its GPUs.
         */
        ArbiterHoldShape: {
            /** By */
            by: string;
            /** Since */
            since: string | null;
            /** Why */
            why: string;
        };
        /**
         * ArbiterLeaseShape
         * @description Who has GPUs by the node's arbiter. `job`: the queue's, where a job of ours asked.
         */
        ArbiterLeaseShape: {
            /** Command */
            command: string;
            /** Gpus */
            gpus: string[];
            /** Id */
            id: string;
            /** Job */
            job: string | null;
            /** Since */
            since: string | null;
            /** User */
            user: string;
        };
        /**
         * ArbiterRequestShape
         * @description Who waits at the node's arbiter.
         */
        ArbiterRequestShape: {
            /** Command */
            command: string;
            /** Job */
            job: string | null;
            /** Since */
            since: string | null;
            /** User */
            user: string;
            /** Why */
            why: string;
        };
        /**
         * ArrayShape
         * @description An array. `states`: how many of its tasks are in each state; without those that none is in.
         */
        ArrayShape: {
            array: components["schemas"]["ArraySizeShape"];
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Owner */
            owner: string;
            /** States */
            states: {
                [key: string]: number;
            };
            /** Submitted At */
            submitted_at: string;
        };
        /**
         * ArraySizeShape
         * @description How many tasks an array has, and how many of them hold GPUs at once; null: any.
         */
        ArraySizeShape: {
            /** Id */
            id: string;
            /** Limit */
            limit: number | null;
            /** Size */
            size: number;
        };
        /**
         * ArrayTaskShape
         * @description Which task of an array a job is. `limit`: how many of them hold GPUs at once; null: any.
         */
        ArrayTaskShape: {
            /** Id */
            id: string;
            /** Index */
            index: number;
            /** Limit */
            limit: number | null;
            /** Size */
            size: number;
        };
        /**
         * AskedArrayShape
         * @description An array whose tasks were asked to end, with the ids of those.
         */
        AskedArrayShape: {
            /** Id */
            id: string;
            /** Jobs */
            jobs: string[];
        };
        /**
         * BlockShape
         * @description Why a GPU is not placed on.
         */
        BlockShape: {
            /** Kind */
            kind: string;
            /** Why */
            why: string;
        };
        /**
         * CaShape
         * @description The certificate authority that signed this server's certificate, as PEM.
         */
        CaShape: {
            /** Ca */
            ca: string;
        };
        /**
         * CancelShape
         * @description Who asked a job to end.
         */
        CancelShape: {
            /** At */
            at: string;
            /** By */
            by: string;
            /** Why */
            why: string;
        };
        /**
         * ChangeShape
         * @description Something about a job that could be other, and what would come of it.
         */
        ChangeShape: {
            /** Change */
            change: {
                [key: string]: unknown;
            };
            /** Says */
            says: string;
        };
        /**
         * ChannelRequest
         * @description A channel in full, with its secrets, which are never shown again.
         */
        ChannelRequest: {
            /**
             * Ca File
             * @description Authorities to trust, a file on the controller.
             */
            ca_file?: string | null;
            /**
             * Headers
             * @description Secrets, as well.
             */
            headers?: {
                [key: string]: string;
            };
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "alertmanager-webhook" | "pagerduty" | "apprise";
            /**
             * Secret
             * Format: password
             * @description What a webhook is signed with.
             */
            secret?: string | null;
            /**
             * Timeout
             * @description For one message: seconds, or text like 10s.
             * @default 10
             */
            timeout?: number | string;
            /**
             * Url
             * Format: password
             * @description A secret. PagerDuty has its own.
             */
            url?: string | null;
        };
        /**
         * ChannelShape
         * @description A channel, without its secrets.
         */
        ChannelShape: {
            /** Ca File */
            ca_file: string | null;
            /** Headers */
            headers: string[];
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "alertmanager-webhook" | "pagerduty" | "apprise";
            /** Name */
            name: string;
            /** Signed */
            signed: boolean;
            /** Timeout */
            timeout: number;
            /** To */
            to: string;
        };
        /**
         * DeliveryShape
         * @description What one channel is, was or could not be told.
         */
        DeliveryShape: {
            /** Alerts */
            alerts: components["schemas"]["ToldOfShape"][];
            /** Attempts */
            attempts: number;
            /** Channel */
            channel: string;
            /** Ended At */
            ended_at: string | null;
            /** Error */
            error: string;
            /** Group */
            group: string;
            /** Key */
            key: string;
            /** Made At */
            made_at: string;
            /** Reason */
            reason: string;
            /** Route */
            route: string;
            /**
             * State
             * @enum {string}
             */
            state: "waiting" | "sent" | "given-up";
            /** Title */
            title: string;
            /** Wait */
            wait: number;
        };
        /**
         * EventShape
         * @description A fact.
         */
        EventShape: {
            /** Data */
            data: {
                [key: string]: unknown;
            };
            /** Id */
            id: number;
            /** Owner */
            owner: string | null;
            /** Source */
            source: string;
            /** Subject */
            subject: string;
            /** Tenant */
            tenant: string;
            /** Time */
            time: string;
            /** Type */
            type: string;
        };
        /**
         * FaresShape
         * @description How the sending to a channel goes; `error` is empty when all is well.
         */
        FaresShape: {
            /** Error */
            error: string;
            /** Given Up */
            given_up: number;
            /** Last Sent At */
            last_sent_at: string | null;
            /** Sent */
            sent: number;
            /** Waiting */
            waiting: number;
        };
        /**
         * FiredShape
         * @description Once that it would have fired. `peak` is the value furthest from the threshold.
         */
        FiredShape: {
            /** Began */
            began: string;
            /** Ended */
            ended: string | null;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Peak */
            peak: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "firing" | "no-data";
        };
        /**
         * FleetGpusShape
         * @description A list a column, each with a value for each GPU. Bytes, %, °C, W; null is unknown.
         */
        FleetGpusShape: {
            /** Blocked */
            blocked: (("unmanaged" | "quarantined" | "leased" | "unknown") | null)[];
            /** Blocked Why */
            blocked_why: (string | null)[];
            /** Health */
            health: (("info" | "warning" | "critical") | null)[];
            /** Index */
            index: number[];
            /** Job */
            job: (string | null)[];
            /** Jobs */
            jobs: number[];
            /** Memory Total */
            memory_total: (number | null)[];
            /** Memory Used */
            memory_used: (number | null)[];
            /** Model */
            model: (string | null)[];
            /** Node */
            node: number[];
            /** Owner */
            owner: (string | null)[];
            /** Power */
            power: (number | null)[];
            /** State */
            state: ("free" | "leased" | "blocked" | "unknown")[];
            /** Temperature */
            temperature: (number | null)[];
            /** Util */
            util: (number | null)[];
            /** Uuid */
            uuid: string[];
        };
        /**
         * FleetNodeShape
         * @description A node of the fleet. `gpus` null: unknown. `seen_at`: epoch seconds, written now and then.
         */
        FleetNodeShape: {
            drained: components["schemas"]["CancelShape"] | null;
            /** Gpus */
            gpus: number | null;
            /** Health */
            health: ("info" | "warning" | "critical") | null;
            /** Id */
            id: string;
            /** Models */
            models: components["schemas"]["ModelCountShape"][];
            /** Name */
            name: string;
            /** Seen At */
            seen_at: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "up" | "silent" | "dead";
        };
        /**
         * FleetShape
         * @description All nodes, by name, and their GPUs. `at`: epoch seconds.
         */
        FleetShape: {
            /** At */
            at: number;
            gpus: components["schemas"]["FleetGpusShape"];
            /** Nodes */
            nodes: components["schemas"]["FleetNodeShape"][];
            /** Revision */
            revision: number;
        };
        /**
         * GpuShape
         * @description The same with its node's name and the job that holds it.
         */
        GpuShape: {
            blocked: components["schemas"]["BlockShape"] | null;
            /** Index */
            index: number;
            /** Island */
            island: number | null;
            /** Job */
            job: string | null;
            /** Memory Total Bytes */
            memory_total_bytes: number | null;
            /** Model */
            model: string | null;
            /** Node */
            node: string;
            /** Numa */
            numa: number | null;
            /** Uuid */
            uuid: string;
        };
        /**
         * HealthShape
         * @description That it answers, and whether jobs are held after a restore.
         */
        HealthShape: {
            /**
             * Status
             * @constant
             */
            status: "ok";
        };
        /**
         * HistoryShape
         * @description A metric over time, on one grid. `start`, `end`: epoch seconds. `truncated`: there are more series than
         *     an answer takes. `known`: only where there are none.
         */
        HistoryShape: {
            /** End */
            end: number;
            /**
             * How
             * @enum {string}
             */
            how: "avg" | "min" | "max" | "sum" | "last" | "count";
            known: components["schemas"]["KnownShape"] | null;
            /** Metric */
            metric: string;
            /** Series */
            series: components["schemas"]["SeriesShape"][];
            /** Start */
            start: number;
            /** Step */
            step: number;
            /** Truncated */
            truncated: boolean;
            /** Unit */
            unit: string;
        };
        /**
         * HoldShape
         * @description Whether jobs are held after a restore.
         */
        HoldShape: {
            /** Held */
            held: boolean;
        };
        /**
         * InhibitionRequest
         * @description While something that `source` matches fires, nobody is told of what `target` matches.
         */
        InhibitionRequest: {
            /** Equal */
            equal?: string[];
            /** Name */
            name: string;
            /** Source */
            source: {
                [key: string]: string | string[];
            };
            /** Target */
            target: {
                [key: string]: string | string[];
            };
        };
        /**
         * InhibitionShape
         * @description What is not told while something else fires.
         */
        InhibitionShape: {
            /** Equal */
            equal: string[];
            /** Name */
            name: string;
            /** Source */
            source: {
                [key: string]: string[];
            };
            /** Target */
            target: {
                [key: string]: string[];
            };
        };
        /**
         * JobPreviewShape
         * @description What `GET jobs/ID/why` would say of it. `estimated_start` null: it cannot be told, `basis` says why.
         */
        JobPreviewShape: {
            /** Ahead */
            ahead: number;
            /** Basis */
            basis: string;
            /** Blocking */
            blocking: string;
            /** Estimated Start */
            estimated_start: string | null;
            /** Held By */
            held_by: {
                [key: string]: unknown;
            }[];
            /** Reason */
            reason: string;
            /** Starts Now */
            starts_now: boolean;
            /** Would Start Now If */
            would_start_now_if: components["schemas"]["ChangeShape"][];
        };
        /**
         * JobRequest
         * @description A job to run. Only `command` and `cwd` are needed.
         */
        JobRequest: {
            /**
             * After
             * @description What it waits for.
             */
            after?: components["schemas"]["AfterRequest"][];
            /**
             * Array
             * @description Many jobs alike: their indices, as 0-9 or 1,3,5-7; %4: no more than 4 at once.
             */
            array?: string | null;
            /**
             * Checkpoint
             * @description A command that runs beside it before it makes room.
             */
            checkpoint?: string[];
            /**
             * Command
             * @description The program and its arguments, as execve(2) takes them.
             */
            command: string[];
            /**
             * Cpus
             * @description Reserved on its node.
             */
            cpus?: number | null;
            /**
             * Cwd
             * @description The folder to run in: absolute, and there on the node.
             */
            cwd: string;
            /**
             * Engine
             * @description Else what its node has.
             */
            engine?: ("docker" | "podman") | null;
            /**
             * Environment
             * @description Kept apart from the job; its owner alone can read it.
             */
            environment?: {
                [key: string]: string;
            };
            /**
             * Gpu Memory Bytes
             * @description At least, on each GPU.
             */
            gpu_memory_bytes?: number | null;
            /**
             * Gpu Model
             * @description A part of the model's name; case does not matter. Several: the best liked first.
             */
            gpu_model?: string | null;
            /**
             * Gpu Share
             * @description This part of one GPU's memory; in thousandths.
             * @default 1
             */
            gpu_share?: number;
            /**
             * Gpus
             * @description On each node.
             * @default 1
             */
            gpus?: number;
            /**
             * Grace
             * @description Seconds from the stop signal to SIGKILL.
             * @default 30
             */
            grace?: number;
            /**
             * If Lost
             * @description What to do when its node goes silent.
             * @default requeue
             * @enum {string}
             */
            if_lost?: "requeue" | "keep" | "fence";
            /**
             * Image
             * @description Runs in a container of this image.
             */
            image?: string | null;
            /**
             * Limits
             * @description rlimits by name, as in prlimit(1).
             */
            limits?: {
                [key: string]: number;
            };
            /**
             * Memory Bytes
             * @description Reserved on its node.
             */
            memory_bytes?: number | null;
            /**
             * Mounts
             * @description SOURCE[:TARGET[:ro]], beside its folder.
             */
            mounts?: string[];
            /**
             * Name
             * @description For showing; the last part of the command's first word if empty.
             * @default
             */
            name?: string;
            /**
             * Node
             * @description Only on the node of this name.
             */
            node?: string | null;
            /**
             * Nodes
             * @description Above 1: a process on each of so many nodes, all at once.
             * @default 1
             */
            nodes?: number;
            /**
             * Notify
             * @description Who is told of it: CHANNEL:end, CHANNEL:fail, CHANNEL:start.
             */
            notify?: string[];
            /**
             * Preemptible
             * @description May be stopped, and queued again, to make room.
             * @default false
             */
            preemptible?: boolean;
            /**
             * Priority
             * @description Higher runs first. Above 0: operators alone.
             * @default 0
             */
            priority?: number;
            /**
             * Pty
             * @description On a terminal of its own.
             * @default false
             */
            pty?: boolean;
            /**
             * Retries
             * @description Queued again so often when it fails.
             * @default 0
             */
            retries?: number;
            /**
             * Retry Codes
             * @description Only after these exit codes.
             */
            retry_codes?: number[];
            /**
             * Setup
             * @description Lines of shell before the command.
             */
            setup?: string[];
            /**
             * Singleton
             * @description Waits for all earlier jobs of its owner and name.
             * @default false
             */
            singleton?: boolean;
            /**
             * Stop Signal
             * @description What it is told to end by.
             * @default TERM
             * @enum {string}
             */
            stop_signal?: "TERM" | "INT" | "HUP" | "QUIT" | "USR1" | "USR2" | "CONT" | "ALRM" | "ABRT" | "WINCH";
            /**
             * Time Limit
             * @description Seconds of running.
             */
            time_limit?: number | null;
            /**
             * Umask
             * @default 18
             */
            umask?: number;
        };
        /**
         * JobShape
         * @description A job. Times are RFC 3339 UTC; null is unknown or not yet.
         */
        JobShape: {
            /** Account */
            account: string | null;
            /** After */
            after: components["schemas"]["AfterShape"][];
            array: components["schemas"]["ArrayTaskShape"] | null;
            /** Attempt */
            attempt: number;
            cancel: components["schemas"]["CancelShape"] | null;
            /** Ended At */
            ended_at: string | null;
            /** Exit Code */
            exit_code: number | null;
            /** Failures */
            failures: number;
            /** Gpus */
            gpus: string[];
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Node */
            node: string | null;
            /** Owner */
            owner: string;
            part: components["schemas"]["RankShape"] | null;
            preempt: components["schemas"]["CancelShape"] | null;
            /** Preemptions */
            preemptions: number;
            /** Reason */
            reason: string;
            /** Signal */
            signal: number | null;
            spec: components["schemas"]["SpecShape"];
            /** Started At */
            started_at: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "QUEUED" | "ALLOCATED" | "STARTING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELED" | "LOST";
            /** Submitted At */
            submitted_at: string;
            /** Tenant */
            tenant: string;
        };
        /**
         * JoinCommandShape
         * @description A line for a shell, good until `expires_at` for as many machines as one likes. `token_id`: what to
         *     revoke should it get into wrong hands.
         */
        JoinCommandShape: {
            /** Command */
            command: string;
            /** Expires At */
            expires_at: string | null;
            /** Token Id */
            token_id: string;
            /** Url */
            url: string;
        };
        /**
         * KnownShape
         * @description What there is instead of nothing: how many series these labels mean, and from when to when anything is
         *     known of them (epoch seconds); null: never.
         */
        KnownShape: {
            /** First */
            first: number | null;
            /** Last */
            last: number | null;
            /** Series */
            series: number;
        };
        /**
         * LeaseShape
         * @description GPUs reserved for one attempt of a job.
         */
        LeaseShape: {
            /** Attempt */
            attempt: number;
            /** Gpus */
            gpus: string[];
            /** Job */
            job: string;
            /** Node */
            node: string;
            /** Owner */
            owner: string;
            /** Taken At */
            taken_at: string;
            /** Tenant */
            tenant: string;
        };
        /**
         * LimitsRequest
         * @description What is left out has no limit. A soft one is no more than the hard one.
         */
        LimitsRequest: {
            /**
             * Gpu Hours
             * @description In the last 30 days; above it nothing more begins.
             */
            gpu_hours?: number | null;
            /**
             * Gpu Hours Soft
             * @description Above it, jobs come after everybody else's.
             */
            gpu_hours_soft?: number | null;
            /**
             * Queued Jobs
             * @description One more is refused.
             */
            queued_jobs?: number | null;
            /**
             * Running Gpus
             * @description At once.
             */
            running_gpus?: number | null;
            /**
             * Running Gpus Soft
             * @description Above it jobs run on what is idle, and make room for others.
             */
            running_gpus_soft?: number | null;
        };
        /**
         * LimitsShape
         * @description null: no limit.
         */
        LimitsShape: {
            /** Gpu Hours */
            gpu_hours: number | null;
            /** Gpu Hours Soft */
            gpu_hours_soft: number | null;
            /** Queued Jobs */
            queued_jobs: number | null;
            /** Running Gpus */
            running_gpus: number | null;
            /** Running Gpus Soft */
            running_gpus_soft: number | null;
        };
        /**
         * ListedChannelShape
         * @description The same, and how it fares.
         */
        ListedChannelShape: {
            /** Ca File */
            ca_file: string | null;
            fares: components["schemas"]["FaresShape"];
            /** Headers */
            headers: string[];
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "alertmanager-webhook" | "pagerduty" | "apprise";
            /** Name */
            name: string;
            /** Signed */
            signed: boolean;
            /** Timeout */
            timeout: number;
            /** To */
            to: string;
        };
        /**
         * ListedRuleShape
         * @description `standing`: how many of its alerts are firing or without data.
         */
        ListedRuleShape: {
            /** Annotations */
            annotations: {
                [key: string]: string;
            };
            /** Enabled */
            enabled: boolean;
            /**
             * For
             * @description How long it has to hold.
             */
            for: number;
            /** Keep Firing For */
            keep_firing_for: number;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Metric */
            metric: string;
            /** Name */
            name: string;
            /**
             * No Data
             * @enum {string}
             */
            no_data: "alert" | "ok" | "ignore";
            /** Of */
            of: string | null;
            /**
             * Op
             * @enum {string}
             */
            op: ">" | ">=" | "<" | "<=" | "==" | "!=";
            /**
             * Origin
             * @enum {string}
             */
            origin: "shipped" | "own" | "changed";
            /** Scope */
            scope: {
                [key: string]: string[];
            };
            /**
             * Severity
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /** Standing */
            standing: number;
            /** Threshold */
            threshold: number;
        };
        /**
         * LoginRequest
         * @description A user's name and password.
         */
        LoginRequest: {
            /**
             * Password
             * Format: password
             */
            password: string;
            /** User */
            user: string;
        };
        /**
         * LoginShape
         * @description A session.
         */
        LoginShape: {
            /** Expires At */
            expires_at: string;
            /** Role */
            role: string;
            /** Token */
            token: string;
            /** User */
            user: string;
        };
        /**
         * MetricShape
         * @description A metric that there is something of. `unit`: as in its name; empty for plain numbers.
         */
        MetricShape: {
            /** Help */
            help: string | null;
            /** Name */
            name: string;
            /** Series */
            series: number;
            /** Unit */
            unit: string;
        };
        /**
         * ModelCountShape
         * @description How many GPUs of a model a node has.
         */
        ModelCountShape: {
            /** Count */
            count: number;
            /** Model */
            model: string | null;
        };
        /**
         * MutedShape
         * @description Why nobody is told. `by`: the id of a silence, or of the alert that inhibits. `until` null: unknown.
         */
        MutedShape: {
            /** By */
            by: string;
            /**
             * How
             * @enum {string}
             */
            how: "silenced" | "inhibited";
            /** Until */
            until: string | null;
            /** Why */
            why: string;
        };
        /**
         * NeededWhyRequest
         * @description The same where it has to be said.
         */
        NeededWhyRequest: {
            /** Why */
            why: string;
        };
        /**
         * NewArrayShape
         * @description An array that was submitted, with the ids of its tasks.
         */
        NewArrayShape: {
            array: components["schemas"]["ArraySizeShape"];
            /** Id */
            id: string;
            /** Jobs */
            jobs: string[];
        };
        /**
         * NewCodeShape
         * @description A code to log in with, which is shown this once; as whom; until when.
         */
        NewCodeShape: {
            /** Code */
            code: string;
            /** Expires At */
            expires_at: string;
            /** User */
            user: string;
        };
        /**
         * NewTokenShape
         * @description The same with the secret, which is shown this once.
         */
        NewTokenShape: {
            /** Created At */
            created_at: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "api" | "session" | "join";
            /** Label */
            label: string;
            /** Last Used At */
            last_used_at: string | null;
            /** Owner */
            owner: string;
            /** Revoked At */
            revoked_at: string | null;
            /** Token */
            token: string;
        };
        /**
         * NodeArbiterShape
         * @description What a node's arbiter says. `none`: there is none; `silent`: it does not answer.
         */
        NodeArbiterShape: {
            hold: components["schemas"]["ArbiterHoldShape"] | null;
            /** Leases */
            leases: components["schemas"]["ArbiterLeaseShape"][];
            /** Node */
            node: string;
            /** Services */
            services: components["schemas"]["SteppingAsideShape"][];
            /**
             * Standing
             * @enum {string}
             */
            standing: "answers" | "silent" | "none" | "unknown";
            /** Waiting */
            waiting: components["schemas"]["ArbiterRequestShape"][];
            /** Why */
            why: string;
        };
        /**
         * NodeGpuShape
         * @description A GPU of a node.
         */
        NodeGpuShape: {
            blocked: components["schemas"]["BlockShape"] | null;
            /** Index */
            index: number;
            /** Island */
            island: number | null;
            /** Memory Total Bytes */
            memory_total_bytes: number | null;
            /** Model */
            model: string | null;
            /** Numa */
            numa: number | null;
            /** Uuid */
            uuid: string;
        };
        /**
         * NodeShape
         * @description A node. `gpus` null: unknown. `samples` null: older than 30 seconds.
         */
        NodeShape: {
            /** Address */
            address: string;
            /** Agent Version */
            agent_version: string;
            /** Boot Id */
            boot_id: string;
            /** Cpus */
            cpus: number | null;
            drained: components["schemas"]["CancelShape"] | null;
            /** Gpus */
            gpus: components["schemas"]["NodeGpuShape"][] | null;
            /** Id */
            id: string;
            /** Jobs */
            jobs: string[];
            /** Joined At */
            joined_at: string;
            /** Last Seen At */
            last_seen_at: string | null;
            /** Memory Bytes */
            memory_bytes: number | null;
            /** Name */
            name: string;
            /** Samples */
            samples: {
                [key: string]: unknown;
            }[] | null;
            /**
             * Sharing
             * @enum {string}
             */
            sharing: "mps" | "unenforced" | "no";
            /**
             * State
             * @enum {string}
             */
            state: "up" | "silent" | "dead";
            /** Strays */
            strays: {
                [key: string]: unknown;
            }[];
            /** Tenant */
            tenant: string;
        };
        /**
         * Nothing
         * @description An object without fields.
         */
        Nothing: Record<string, never>;
        /**
         * OneJobShape
         * @description The same; that of a gang has its `parts`.
         */
        OneJobShape: {
            /** Account */
            account: string | null;
            /** After */
            after: components["schemas"]["AfterShape"][];
            array: components["schemas"]["ArrayTaskShape"] | null;
            /** Attempt */
            attempt: number;
            cancel: components["schemas"]["CancelShape"] | null;
            /** Ended At */
            ended_at: string | null;
            /** Exit Code */
            exit_code: number | null;
            /** Failures */
            failures: number;
            /** Gpus */
            gpus: string[];
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Node */
            node: string | null;
            /** Owner */
            owner: string;
            part: components["schemas"]["RankShape"] | null;
            /**
             * Parts
             * @default []
             */
            parts?: components["schemas"]["PartShape"][];
            preempt: components["schemas"]["CancelShape"] | null;
            /** Preemptions */
            preemptions: number;
            /** Reason */
            reason: string;
            /** Signal */
            signal: number | null;
            spec: components["schemas"]["SpecShape"];
            /** Started At */
            started_at: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "QUEUED" | "ALLOCATED" | "STARTING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELED" | "LOST";
            /** Submitted At */
            submitted_at: string;
            /** Tenant */
            tenant: string;
        };
        /** PageShape[AccountShape] */
        PageShape_AccountShape_: {
            /** Items */
            items: components["schemas"]["AccountShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[DeliveryShape] */
        PageShape_DeliveryShape_: {
            /** Items */
            items: components["schemas"]["DeliveryShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[EventShape] */
        PageShape_EventShape_: {
            /** Items */
            items: components["schemas"]["EventShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[GpuShape] */
        PageShape_GpuShape_: {
            /** Items */
            items: components["schemas"]["GpuShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[JobShape] */
        PageShape_JobShape_: {
            /** Items */
            items: components["schemas"]["JobShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[LeaseShape] */
        PageShape_LeaseShape_: {
            /** Items */
            items: components["schemas"]["LeaseShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[ListedChannelShape] */
        PageShape_ListedChannelShape_: {
            /** Items */
            items: components["schemas"]["ListedChannelShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[ListedRuleShape] */
        PageShape_ListedRuleShape_: {
            /** Items */
            items: components["schemas"]["ListedRuleShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[MetricShape] */
        PageShape_MetricShape_: {
            /** Items */
            items: components["schemas"]["MetricShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[NodeShape] */
        PageShape_NodeShape_: {
            /** Items */
            items: components["schemas"]["NodeShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[ReservationShape] */
        PageShape_ReservationShape_: {
            /** Items */
            items: components["schemas"]["ReservationShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[SilenceShape] */
        PageShape_SilenceShape_: {
            /** Items */
            items: components["schemas"]["SilenceShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[TokenShape] */
        PageShape_TokenShape_: {
            /** Items */
            items: components["schemas"]["TokenShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[UsageShape] */
        PageShape_UsageShape_: {
            /** Items */
            items: components["schemas"]["UsageShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[UserShape] */
        PageShape_UserShape_: {
            /** Items */
            items: components["schemas"]["UserShape"][];
            /** Next */
            next: string | null;
        };
        /** PageShape[WorkloadShape] */
        PageShape_WorkloadShape_: {
            /** Items */
            items: components["schemas"]["WorkloadShape"][];
            /** Next */
            next: string | null;
        };
        /**
         * PartShape
         * @description A part of a gang's present attempt.
         */
        PartShape: {
            /** Exit Code */
            exit_code: number | null;
            /** Id */
            id: string;
            /** Node */
            node: string | null;
            /** Rank */
            rank: number;
            /**
             * State
             * @enum {string}
             */
            state: "QUEUED" | "ALLOCATED" | "STARTING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELED" | "LOST";
        };
        /**
         * PreviewRequest
         * @description A rule to be tried, and since when.
         */
        PreviewRequest: {
            rule: components["schemas"]["RuleRequest"];
            /**
             * Since
             * @description How far back: 90m, 12h, 7d.
             * @default 7d
             */
            since?: string;
        };
        /**
         * PreviewShape
         * @description What a rule would have done. `fired` has the newest, `times` counts all.
         */
        PreviewShape: {
            /** Brief */
            brief: number;
            /** Fired */
            fired: components["schemas"]["FiredShape"][];
            /** Points */
            points: number;
            /** Says */
            says: string;
            /** Series */
            series: number;
            /** Since */
            since: string;
            /** Step */
            step: number;
            /** Times */
            times: number;
            /** Unknown */
            unknown: number;
            /** Until */
            until: string;
        };
        /**
         * ProblemShape
         * @description A refusal: application/problem+json (RFC 9457).
         */
        ProblemShape: {
            /** Detail */
            detail: string;
            /**
             * Errors
             * @default []
             */
            errors?: components["schemas"]["WrongField"][];
            /** Hint */
            hint: string;
            /** Status */
            status: number;
            /** Title */
            title: string;
            /** Type */
            type: string;
        };
        /**
         * RankShape
         * @description Which part of a gang a job is.
         */
        RankShape: {
            /** Of */
            of: string;
            /** Rank */
            rank: number;
            /** Size */
            size: number;
        };
        /**
         * ReservationRequest
         * @description Nodes to be kept for users and groups, or, for maintenance, for nobody.
         */
        ReservationRequest: {
            /**
             * End
             * @description RFC 3339, with an offset.
             */
            end: string;
            /**
             * Groups
             * @description The same, by group.
             */
            groups?: string[];
            /**
             * Kind
             * @default reserved
             * @enum {string}
             */
            kind?: "reserved" | "maintenance";
            /** Name */
            name: string;
            /**
             * Nodes
             * @description All of them when empty.
             */
            nodes?: string[];
            /**
             * Start
             * @description RFC 3339, with an offset.
             */
            start: string;
            /**
             * Users
             * @description Whose jobs may run in it.
             */
            users?: string[];
            /**
             * Why
             * @default
             */
            why?: string;
        };
        /**
         * ReservationShape
         * @description A time for which nodes are kept; without nodes all of them.
         */
        ReservationShape: {
            /** By */
            by: string;
            /** End */
            end: string;
            /** Groups */
            groups: string[];
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "reserved" | "maintenance";
            /** Name */
            name: string;
            /** Nodes */
            nodes: string[];
            /** Start */
            start: string;
            /** Users */
            users: string[];
            /** Why */
            why: string;
        };
        /**
         * RouteRequest
         * @description Who is told of what, and how often.
         */
        RouteRequest: {
            /** Channels */
            channels: string[];
            /**
             * Goes On
             * @description Those after it are tried, too.
             * @default false
             */
            goes_on?: boolean;
            /** Group By */
            group_by?: string[];
            /**
             * Group Interval
             * @default 60
             */
            group_interval?: number | string;
            /**
             * Group Wait
             * @default 0
             */
            group_wait?: number | string;
            /**
             * Matches
             * @description None: all alerts.
             */
            matches?: {
                [key: string]: string | string[];
            };
            /** Name */
            name: string;
            /**
             * Repeat Interval
             * @description 0: no reminders.
             * @default 14400
             */
            repeat_interval?: number | string;
        };
        /**
         * RouteShape
         * @description A route. Durations are seconds; `repeat_interval` 0: no reminders.
         */
        RouteShape: {
            /** Channels */
            channels: string[];
            /** Goes On */
            goes_on: boolean;
            /** Group By */
            group_by: string[];
            /** Group Interval */
            group_interval: number;
            /** Group Wait */
            group_wait: number;
            /** Matches */
            matches: {
                [key: string]: string[];
            };
            /** Name */
            name: string;
            /** Repeat Interval */
            repeat_interval: number;
        };
        /**
         * RoutesRequest
         * @description All routes in the order in which they are tried, and all inhibitions of the site's own.
         */
        RoutesRequest: {
            /** Inhibitions */
            inhibitions?: components["schemas"]["InhibitionRequest"][];
            /** Routes */
            routes?: components["schemas"]["RouteRequest"][];
        };
        /**
         * RoutesShape
         * @description `default`: nobody wrote routes, so all channels hear of everything. `shipped_inhibitions` hold, too,
         *     but for those whose names are among `inhibitions`.
         */
        RoutesShape: {
            /** Default */
            default: boolean;
            /** Inhibitions */
            inhibitions: components["schemas"]["InhibitionShape"][];
            /** Routes */
            routes: components["schemas"]["RouteShape"][];
            /** Shipped Inhibitions */
            shipped_inhibitions: components["schemas"]["InhibitionShape"][];
        };
        /**
         * RuleRequest
         * @description An alert rule in full: what is left out is as in a new one. `name` is the one in the address.
         */
        RuleRequest: {
            /**
             * Annotations
             * @description `summary` and `next_step`; {label} and {value} in them.
             */
            annotations?: {
                [key: string]: string;
            };
            /**
             * Enabled
             * @default true
             */
            enabled?: boolean;
            /**
             * For
             * @description How long it has to hold: seconds, or text like 2m.
             * @default 0
             */
            for?: number | string;
            /**
             * Keep Firing For
             * @default 0
             */
            keep_firing_for?: number | string;
            /**
             * Labels
             * @description Added to its alerts.
             */
            labels?: {
                [key: string]: string;
            };
            /** Metric */
            metric: string;
            /** Name */
            name?: string | null;
            /**
             * No Data
             * @default ignore
             * @enum {string}
             */
            no_data?: "alert" | "ok" | "ignore";
            /**
             * Of
             * @description Another metric: the value is then in percent of it.
             */
            of?: string | null;
            /**
             * Op
             * @enum {string}
             */
            op: ">" | ">=" | "<" | "<=" | "==" | "!=";
            /**
             * Scope
             * @description Which series: label → one or more values.
             */
            scope?: {
                [key: string]: string | string[];
            };
            /**
             * Severity
             * @default warning
             * @enum {string}
             */
            severity?: "info" | "warning" | "critical";
            /** Threshold */
            threshold: number;
        };
        /**
         * RuleShape
         * @description A rule. Durations are seconds.
         */
        RuleShape: {
            /** Annotations */
            annotations: {
                [key: string]: string;
            };
            /** Enabled */
            enabled: boolean;
            /**
             * For
             * @description How long it has to hold.
             */
            for: number;
            /** Keep Firing For */
            keep_firing_for: number;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Metric */
            metric: string;
            /** Name */
            name: string;
            /**
             * No Data
             * @enum {string}
             */
            no_data: "alert" | "ok" | "ignore";
            /** Of */
            of: string | null;
            /**
             * Op
             * @enum {string}
             */
            op: ">" | ">=" | "<" | "<=" | "==" | "!=";
            /**
             * Origin
             * @enum {string}
             */
            origin: "shipped" | "own" | "changed";
            /** Scope */
            scope: {
                [key: string]: string[];
            };
            /**
             * Severity
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /** Threshold */
            threshold: number;
        };
        /**
         * SentShape
         * @description That a test message was taken.
         */
        SentShape: {
            /**
             * Sent
             * @constant
             */
            sent: true;
        };
        /**
         * SeriesShape
         * @description One line of a chart. `points`: epoch seconds and value; null is unknown.
         */
        SeriesShape: {
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Points */
            points: [
                number,
                number | null
            ][];
        };
        /**
         * SessionRequest
         * @description A user's name and password; or a token; or a code.
         */
        SessionRequest: {
            /**
             * Code
             * Format: password
             * @description From `POST /api/v1/session/codes`.
             */
            code?: string;
            /**
             * Password
             * Format: password
             */
            password?: string;
            /**
             * Token
             * Format: password
             * @description From `sentinel token create`.
             */
            token?: string;
            /** User */
            user?: string;
        } & (unknown | unknown | unknown);
        /**
         * SilenceRequest
         * @description Whom nobody is told of, and until when.
         */
        SilenceRequest: {
            /**
             * End
             * @description RFC 3339, with an offset.
             */
            end: string;
            /**
             * Matches
             * @description Label → one or more values; gpu* is a beginning. `rule`, `severity`, `metric` count.
             */
            matches: {
                [key: string]: string | string[];
            };
            /**
             * Start
             * @description Else now.
             */
            start?: string | null;
            /** @description In those hours alone. */
            weekly?: components["schemas"]["WeeklyRequest"] | null;
            /** Why */
            why: string;
        };
        /**
         * SilenceShape
         * @description A silence. `until`: when it ends for now, of an active one.
         */
        SilenceShape: {
            /** By */
            by: string;
            /** End */
            end: string;
            /** Id */
            id: string;
            /** Matches */
            matches: {
                [key: string]: string[];
            };
            /** Start */
            start: string;
            /**
             * State
             * @enum {string}
             */
            state: "active" | "waiting" | "ended";
            /** Until */
            until: string | null;
            weekly: components["schemas"]["WeeklyShape"] | null;
            /** Why */
            why: string;
        };
        /**
         * SlurmGpuShape
         * @description GPUs of a type, which is empty where Slurm was told none. `down`: free, but on a node to which no jobs
         *     may come. null: Slurm did not say.
         */
        SlurmGpuShape: {
            /** Allocated */
            allocated: number | null;
            /** Down */
            down: number | null;
            /** Idle */
            idle: number | null;
            /** Total */
            total: number;
            /** Type */
            type: string;
        };
        /**
         * SlurmQueueShape
         * @description Jobs by state; a task of an array is one. Arrays whose tasks Slurm did not list are in no sum.
         */
        SlurmQueueShape: {
            /** By Account */
            by_account: {
                [key: string]: {
                    [key: string]: number;
                };
            };
            /** By State */
            by_state: {
                [key: string]: number;
            };
            /** By User */
            by_user: {
                [key: string]: {
                    [key: string]: number;
                };
            };
            /** Uncounted Arrays */
            uncounted_arrays: number;
        };
        /**
         * SlurmShape
         * @description What a Slurm cluster said last. `stale`: too long ago to be shown, so all of it is null. `age`: seconds
         *     since then. A part that Slurm did not answer is null; `error` says why.
         */
        SlurmShape: {
            /** Age */
            age: number | null;
            /** At */
            at: string | null;
            /** Cluster */
            cluster: string | null;
            /** Cpus */
            cpus: {
                [key: string]: number;
            } | null;
            /** Error */
            error: string | null;
            /** Gpus */
            gpus: components["schemas"]["SlurmGpuShape"][] | null;
            /** Nodes */
            nodes: {
                [key: string]: number;
            } | null;
            queue: components["schemas"]["SlurmQueueShape"] | null;
            /** Scheduler */
            scheduler: {
                [key: string]: number | null;
            } | null;
            /** Source */
            source: string | null;
            /** Stale */
            stale: boolean;
            /** Version */
            version: string | null;
        };
        /**
         * SpecShape
         * @description What was asked for.
         */
        SpecShape: {
            /** Checkpoint */
            checkpoint: string[];
            /** Command */
            command: string[];
            /** Cpus */
            cpus: number | null;
            /** Cwd */
            cwd: string;
            /** Engine */
            engine: ("docker" | "podman") | null;
            /** Gpu Memory Bytes */
            gpu_memory_bytes: number | null;
            /** Gpu Milli */
            gpu_milli: number;
            /** Gpu Model */
            gpu_model: string | null;
            /** Gpus */
            gpus: number;
            /** Grace */
            grace: number;
            /**
             * If Lost
             * @enum {string}
             */
            if_lost: "requeue" | "keep" | "fence";
            /** Image */
            image: string | null;
            /** Limits */
            limits: {
                [key: string]: number;
            };
            /** Memory Bytes */
            memory_bytes: number | null;
            /** Mounts */
            mounts: string[];
            /** Name */
            name: string;
            /** Node */
            node: string | null;
            /** Nodes */
            nodes: number;
            /** Notify */
            notify: string[];
            /** Preemptible */
            preemptible: boolean;
            /** Priority */
            priority: number;
            /** Pty */
            pty: boolean;
            /** Retries */
            retries: number;
            /** Retry Codes */
            retry_codes: number[];
            /** Setup */
            setup: string[];
            /** Singleton */
            singleton: boolean;
            /** Stop Signal */
            stop_signal: string;
            /** Time Limit */
            time_limit: number | null;
            /** Umask */
            umask: number;
        };
        /**
         * SteppingAsideShape
         * @description A service that steps aside when somebody asks for its GPUs. `how`: the way it does.
         */
        SteppingAsideShape: {
            /** Freed Bytes */
            freed_bytes: number | null;
            /** Gpus */
            gpus: string[];
            /** How */
            how: string | null;
            /** Name */
            name: string;
            /** Since */
            since: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "running" | "pausing" | "paused" | "resuming" | "failed" | "stopped" | "unknown";
            /** Why */
            why: string;
        };
        /**
         * TokenRequest
         * @description A token to make. `expires_in` is seconds; null is for ever, and for admins alone.
         */
        TokenRequest: {
            /**
             * Expires In
             * @description Left out: 90 days, for a join token 24 hours.
             */
            expires_in?: number | null;
            /**
             * Kind
             * @default api
             * @enum {string}
             */
            kind?: "api" | "join";
            /**
             * Label
             * @default
             */
            label?: string;
            /**
             * Owner
             * @description Somebody else; for admins alone.
             */
            owner?: string | null;
        };
        /**
         * TokenShape
         * @description A token, without its secret.
         */
        TokenShape: {
            /** Created At */
            created_at: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "api" | "session" | "join";
            /** Label */
            label: string;
            /** Last Used At */
            last_used_at: string | null;
            /** Owner */
            owner: string;
            /** Revoked At */
            revoked_at: string | null;
        };
        /**
         * ToldOfShape
         * @description An alert that a delivery is about.
         */
        ToldOfShape: {
            /** Fingerprint */
            fingerprint: string;
            /** Rule */
            rule: string;
            /**
             * State
             * @enum {string}
             */
            state: "pending" | "firing" | "no-data" | "resolved";
        };
        /**
         * ToldShape
         * @description Which channel was told. `state` null: longer ago than deliveries are kept.
         */
        ToldShape: {
            /** At */
            at: string | null;
            /** Channel */
            channel: string;
            /** Error */
            error: string;
            /** State */
            state: ("waiting" | "sent" | "given-up") | null;
        };
        /**
         * UsageReportShape
         * @description Who had the GPUs. Who had most is first.
         */
        UsageReportShape: {
            /**
             * By
             * @enum {string}
             */
            by: "user" | "group" | "node" | "gpu" | "model" | "origin";
            /** Days */
            days: components["schemas"]["UseDayShape"][];
            /** End */
            end: string;
            /** Rows */
            rows: components["schemas"]["UseRowShape"][];
            /** Start */
            start: string;
            /** Step */
            step: number;
            totals: components["schemas"]["UseShape"];
        };
        /**
         * UsageShape
         * @description What a user or a group has had. `share`: of what all in its scope have had lately; null: of nothing.
         */
        UsageShape: {
            /** Days */
            days: {
                [key: string]: number;
            };
            /** Gpu Hours */
            gpu_hours: number;
            limits: components["schemas"]["LimitsShape"] | null;
            /** Name */
            name: string;
            /** Recent Gpu Hours */
            recent_gpu_hours: number;
            /** Running Gpus */
            running_gpus: number;
            /**
             * Scope
             * @enum {string}
             */
            scope: "user" | "group";
            /** Share */
            share: number | null;
            /** Weight */
            weight: number;
        };
        /**
         * UseDayShape
         * @description Those of one period, from `start` on.
         */
        UseDayShape: {
            /** Coverage */
            coverage: number | null;
            /** Energy Kwh */
            energy_kwh: number | null;
            /** Gpu Hours */
            gpu_hours: number;
            /** Idle Gpu Hours */
            idle_gpu_hours: number | null;
            /** Start */
            start: string;
            /** Unknown Gpu Hours */
            unknown_gpu_hours: number;
        };
        /**
         * UseRowShape
         * @description Whose they were, or what they were. `key` is empty when unknown.
         */
        UseRowShape: {
            /** Coverage */
            coverage: number | null;
            /** Energy Kwh */
            energy_kwh: number | null;
            /** Gpu Hours */
            gpu_hours: number;
            /** Idle Gpu Hours */
            idle_gpu_hours: number | null;
            /** Key */
            key: string;
            /** Unknown Gpu Hours */
            unknown_gpu_hours: number;
        };
        /**
         * UseShape
         * @description GPU-hours had; of those, idle ones, and those of which it is not known whether they were. null: nothing
         *     is known. `coverage`: the part of the asked time in which the GPUs were recorded.
         */
        UseShape: {
            /** Coverage */
            coverage: number | null;
            /** Energy Kwh */
            energy_kwh: number | null;
            /** Gpu Hours */
            gpu_hours: number;
            /** Idle Gpu Hours */
            idle_gpu_hours: number | null;
            /** Unknown Gpu Hours */
            unknown_gpu_hours: number;
        };
        /**
         * UserChange
         * @description What is to be other about a user. `password` null: no log-in by password any more; `group`: in none.
         */
        UserChange: {
            /** Disabled */
            disabled?: boolean;
            /** Group */
            group?: string | null;
            /** Password */
            password?: string | null;
            /**
             * Role
             * @enum {string}
             */
            role?: "viewer" | "member" | "operator" | "admin";
        };
        /**
         * UserRequest
         * @description A user to add. Without a password they use tokens that an admin makes.
         */
        UserRequest: {
            /**
             * Group
             * @description Whose account their jobs count for, too.
             */
            group?: string | null;
            /** Name */
            name: string;
            /**
             * Password
             * Format: password
             */
            password?: string | null;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "member" | "operator" | "admin";
        };
        /**
         * UserShape
         * @description A user.
         */
        UserShape: {
            /** Created At */
            created_at: string;
            /** Disabled */
            disabled: boolean;
            /** Group */
            group: string | null;
            /** Has Password */
            has_password: boolean;
            /** Name */
            name: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "member" | "operator" | "admin" | "system";
            /** Tenant */
            tenant: string;
        };
        /**
         * VersionShape
         * @description What answers.
         */
        VersionShape: {
            /** Api */
            api: string;
            /** Version */
            version: string;
        };
        /**
         * WatchShape
         * @description How whoever looks for alerts fared when they last looked, `age` seconds ago. `seconds`: how long that
         *     took, for as many `series`. `history`, `alertmanager`: "ok", or why it did not answer; null: none is
         *     there.
         */
        WatchShape: {
            /** Age */
            age: number;
            /** Alertmanager */
            alertmanager: string | null;
            /** History */
            history: string;
            /** Round At */
            round_at: string;
            /** Seconds */
            seconds: number;
            /** Series */
            series: number;
        };
        /**
         * WeeklyRequest
         * @description Hours that come again each week, by the clock on the wall in `zone`.
         */
        WeeklyRequest: {
            /**
             * Begin
             * @default 00:00
             */
            begin?: string;
            /** Days */
            days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
            /**
             * End
             * @description Not after `begin`: on the next day.
             * @default 24:00
             */
            end?: string;
            /**
             * Zone
             * @description Europe/Berlin, UTC, …
             */
            zone: string;
        };
        /**
         * WeeklyShape
         * @description Hours that come again each week.
         */
        WeeklyShape: {
            /** Begin */
            begin: string;
            /** Days */
            days: string[];
            /** End */
            end: string;
            /** Zone */
            zone: string;
        };
        /**
         * WhoamiShape
         * @description Who is asking, and what they may.
         */
        WhoamiShape: {
            /** May */
            may: string[];
            /** Role */
            role: string;
            /** Tenant */
            tenant: string;
            /** Token Id */
            token_id: string | null;
            /** User */
            user: string;
        };
        /**
         * WhyRequest
         * @description Why something is asked for, for whoever wonders later.
         */
        WhyRequest: {
            /**
             * Why
             * @default
             */
            why?: string;
        };
        /**
         * WhyShape
         * @description Why a job is in its state. `estimated_start` null: it cannot be told; `basis` says from what it is.
         */
        WhyShape: {
            /** Ahead */
            ahead: number;
            /** Basis */
            basis: string;
            /** Blocking */
            blocking: string;
            /** Estimated Start */
            estimated_start: string | null;
            /** Held By */
            held_by: {
                [key: string]: unknown;
            }[];
            /** Id */
            id: string;
            /** Reason */
            reason: string;
            /** State */
            state: string;
            /** Would Start Now If */
            would_start_now_if: components["schemas"]["ChangeShape"][];
        };
        /**
         * WorkloadShape
         * @description What a node sees on its GPUs, managed or not.
         */
        WorkloadShape: {
            /** Node */
            node: string;
            /** Tenant */
            tenant: string;
        };
        /**
         * WorkloadState
         * @description How it stands. IDLE is running with GPU memory held and unused for long; UNKNOWN is not "gone".
         * @enum {string}
         */
        WorkloadState: "running" | "idle" | "paused" | "restarting" | "created" | "exited" | "unknown";
        /**
         * WrittenRuleShape
         * @description `did`: what writing it did.
         */
        WrittenRuleShape: {
            /** Annotations */
            annotations: {
                [key: string]: string;
            };
            /**
             * Did
             * @enum {string}
             */
            did: "created" | "changed" | "unchanged";
            /** Enabled */
            enabled: boolean;
            /**
             * For
             * @description How long it has to hold.
             */
            for: number;
            /** Keep Firing For */
            keep_firing_for: number;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Metric */
            metric: string;
            /** Name */
            name: string;
            /**
             * No Data
             * @enum {string}
             */
            no_data: "alert" | "ok" | "ignore";
            /** Of */
            of: string | null;
            /**
             * Op
             * @enum {string}
             */
            op: ">" | ">=" | "<" | "<=" | "==" | "!=";
            /**
             * Origin
             * @enum {string}
             */
            origin: "shipped" | "own" | "changed";
            /** Scope */
            scope: {
                [key: string]: string[];
            };
            /**
             * Severity
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /** Threshold */
            threshold: number;
        };
        /**
         * WrongField
         * @description A field that was refused, and why.
         */
        WrongField: {
            /** Field */
            field: string;
            /** Message */
            message: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_accounts_api_v1_accounts_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_AccountShape_"];
                };
            };
        };
    };
    show_default_account_api_v1_accounts_default_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountShape"];
                };
            };
        };
    };
    put_default_account_api_v1_accounts_default_put: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountShape"];
                };
            };
        };
    };
    remove_default_account_api_v1_accounts_default_delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    show_account_api_v1_accounts__scope___name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose it is. */
                scope: "user" | "group";
                /** @description The name of a user or a group. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountShape"];
                };
            };
        };
    };
    put_account_api_v1_accounts__scope___name__put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose it is. */
                scope: "user" | "group";
                /** @description The name of a user or a group. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountShape"];
                };
            };
        };
    };
    remove_account_api_v1_accounts__scope___name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose it is. */
                scope: "user" | "group";
                /** @description The name of a user or a group. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    show_routes_api_v1_alert_routes_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoutesShape"];
                };
            };
        };
    };
    write_routes_api_v1_alert_routes_put: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoutesRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoutesShape"];
                };
            };
        };
    };
    list_rules_api_v1_alert_rules_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_ListedRuleShape_"];
                };
            };
        };
    };
    preview_rule_api_v1_alert_rules_preview_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PreviewRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreviewShape"];
                };
            };
        };
    };
    show_rule_api_v1_alert_rules__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of a rule. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleShape"];
                };
            };
        };
    };
    put_rule_api_v1_alert_rules__name__put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of a rule. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WrittenRuleShape"];
                };
            };
        };
    };
    remove_rule_api_v1_alert_rules__name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of a rule. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_alerts_api_v1_alerts_get: {
        parameters: {
            query?: {
                /** @description May be given more than once. Else all but resolved. */
                state?: ("pending" | "firing" | "no-data" | "resolved")[];
                /** @description May be given more than once. */
                severity?: ("info" | "warning" | "critical")[];
                rule?: string | null;
                node?: string | null;
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertPageShape"];
                };
            };
        };
    };
    show_alert_api_v1_alerts__id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShape"];
                };
            };
        };
    };
    acknowledge_api_v1_alerts__id__ack_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WhyRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShape"];
                };
            };
        };
    };
    take_back_api_v1_alerts__id__ack_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShape"];
                };
            };
        };
    };
    ca_api_v1_ca_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaShape"];
                };
            };
        };
    };
    list_channels_api_v1_channels_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_ListedChannelShape_"];
                };
            };
        };
    };
    show_channel_api_v1_channels__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of a channel. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelShape"];
                };
            };
        };
    };
    put_channel_api_v1_channels__name__put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of a channel. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelShape"];
                };
            };
        };
    };
    remove_channel_api_v1_channels__name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of a channel. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    send_test_api_v1_channels__name__test_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of a channel. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SentShape"];
                };
            };
        };
    };
    list_deliveries_api_v1_deliveries_get: {
        parameters: {
            query?: {
                /** @description May be given more than once. */
                state?: ("waiting" | "sent" | "given-up")[];
                channel?: string | null;
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_DeliveryShape_"];
                };
            };
        };
    };
    list_events_api_v1_events_get: {
        parameters: {
            query?: {
                /** @description As in `sentinel.job.running`; may be given more than once. */
                type?: string[];
                after?: number;
                /** @description How many at most. */
                limit?: number;
                subject?: string | null;
                newest?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_EventShape_"];
                };
            };
        };
    };
    stream_events_api_v1_events_stream_get: {
        parameters: {
            query?: {
                /** @description As in `sentinel.job.running`; may be given more than once. */
                type?: string[];
                subject?: string | null;
            };
            header?: {
                /** @description The id of the last event that was seen: the stream goes on after it. */
                "Last-Event-ID"?: number;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        data: string;
                        event: string;
                        id: string;
                    };
                };
            };
        };
    };
    show_fleet_api_v1_fleet_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetShape"];
                };
            };
        };
    };
    stream_fleet_api_v1_fleet_stream_get: {
        parameters: {
            query?: never;
            header?: {
                /** @description The id of the last event that was seen: the stream goes on after it, or begins anew where that is too long ago. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        data: string;
                        event: string;
                        id: string;
                    };
                };
            };
        };
    };
    list_gpus_api_v1_gpus_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_GpuShape_"];
                };
            };
        };
    };
    health_api_v1_health_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthShape"];
                };
            };
        };
    };
    list_metrics_api_v1_history_metrics_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_MetricShape_"];
                };
            };
        };
    };
    query_history_api_v1_history_query_get: {
        parameters: {
            query: {
                /** @description As in `gpu_temperature_celsius`; `GET history/metrics` lists them. */
                metric: string;
                /** @description `LABEL=VALUE`: only these; without VALUE, only those without that label. Repeatable: the same label again means either. */
                match?: string[];
                node?: string | null;
                /** @description A UUID, its beginning, or, with `node`, an index. */
                gpu?: string | null;
                user?: string | null;
                job?: string | null;
                workload?: string | null;
                /** @description A duration back from now, like `90m` or `30d`, or a time: RFC 3339. */
                since?: string | null;
                /** @description A duration back from now, like `90m` or `30d`, or a time: RFC 3339. */
                until?: string | null;
                /** @description A duration, like `30s` or `5m`. */
                step?: string | null;
                how?: components["schemas"]["Aggregate"];
                /** @description Labels, with commas: one series for each of their values, put together by `how`. */
                by?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryShape"];
                };
            };
        };
    };
    list_jobs_api_v1_jobs_get: {
        parameters: {
            query?: {
                /** @description May be given more than once. */
                state?: ("QUEUED" | "ALLOCATED" | "STARTING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELED" | "LOST")[];
                owner?: string | null;
                node?: string | null;
                name?: string | null;
                id_prefix?: string | null;
                array?: string | null;
                part_of?: string | null;
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_JobShape_"];
                };
            };
        };
    };
    submit_job_api_v1_jobs_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same body gives the job that the first call made. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobRequest"];
            };
        };
        responses: {
            /** @description The job of before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobShape"] | components["schemas"]["NewArrayShape"];
                };
            };
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobShape"] | components["schemas"]["NewArrayShape"];
                };
            };
        };
    };
    preview_job_api_v1_jobs_preview_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPreviewShape"];
                };
            };
        };
    };
    show_job_api_v1_jobs__id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A job's id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneJobShape"] | components["schemas"]["ArrayShape"];
                };
            };
        };
    };
    cancel_job_api_v1_jobs__id__cancel_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A job's id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["WhyRequest"] | null;
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobShape"] | components["schemas"]["AskedArrayShape"];
                };
            };
        };
    };
    show_environment_api_v1_jobs__id__environment_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A job's id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Values by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: string;
                    };
                };
            };
        };
    };
    job_events_api_v1_jobs__id__events_get: {
        parameters: {
            query?: {
                after?: number;
                /** @description How many at most. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description A job's id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_EventShape_"];
                };
            };
        };
    };
    show_log_api_v1_jobs__id__logs_get: {
        parameters: {
            query?: {
                attempt?: number | null;
                offset?: number | null;
                limit?: number | null;
                tail?: number | null;
                rank?: number;
                follow?: boolean;
            };
            header?: never;
            path: {
                /** @description A job's id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The bytes */
            200: {
                headers: {
                    /** @description Which attempt's log this is; not there before the first. */
                    "Log-Attempt"?: string;
                    /** @description `true`: no more will come. */
                    "Log-Complete"?: string;
                    /** @description Where these bytes begin: more than was asked for where the middle was cut out. */
                    "Log-Offset"?: string;
                    /** @description How much there was when the answer began. */
                    "Log-Size"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
        };
    };
    retry_job_api_v1_jobs__id__retry_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A job's id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"] | null;
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobShape"];
                };
            };
        };
    };
    why_job_api_v1_jobs__id__why_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A job's id, or a unique beginning of at least 4 characters. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhyShape"];
                };
            };
        };
    };
    list_leases_api_v1_leases_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_LeaseShape_"];
                };
            };
        };
    };
    login_api_v1_login_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginShape"];
                };
            };
        };
    };
    list_nodes_api_v1_nodes_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_NodeShape_"];
                };
            };
        };
    };
    join_command_api_v1_nodes_join_command_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"] | null;
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JoinCommandShape"];
                };
            };
        };
    };
    show_node_api_v1_nodes__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
        };
    };
    remove_node_api_v1_nodes__name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    show_node_arbiter_api_v1_nodes__name__arbiter_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeArbiterShape"];
                };
            };
        };
    };
    declare_node_dead_api_v1_nodes__name__declare_dead_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NeededWhyRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
        };
    };
    drain_node_api_v1_nodes__name__drain_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["WhyRequest"] | null;
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
        };
    };
    resume_node_api_v1_nodes__name__resume_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"] | null;
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
        };
    };
    show_queue_api_v1_queue_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HoldShape"];
                };
            };
        };
    };
    resume_queue_api_v1_queue_resume_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["WhyRequest"] | null;
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HoldShape"];
                };
            };
        };
    };
    usage_report_api_v1_reports_usage_get: {
        parameters: {
            query?: {
                by?: "user" | "group" | "node" | "gpu" | "model" | "origin";
                /** @description A duration back from now, like `90m` or `30d`, or a time: RFC 3339. */
                since?: string | null;
                /** @description A duration back from now, like `90m` or `30d`, or a time: RFC 3339. */
                until?: string | null;
                /** @description How long each of `days` is; days are UTC. */
                step?: "1h" | "1d";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageReportShape"];
                };
            };
        };
    };
    list_reservations_api_v1_reservations_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_ReservationShape_"];
                };
            };
        };
    };
    add_reservation_api_v1_reservations_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReservationRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReservationShape"];
                };
            };
        };
    };
    show_reservation_api_v1_reservations__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReservationShape"];
                };
            };
        };
    };
    remove_reservation_api_v1_reservations__name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    begin_session_api_v1_session_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionRequest"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    end_session_api_v1_session_delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    make_session_code_api_v1_session_codes_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewCodeShape"];
                };
            };
        };
    };
    list_silences_api_v1_silences_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_SilenceShape_"];
                };
            };
        };
    };
    add_silence_api_v1_silences_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SilenceRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SilenceShape"];
                };
            };
        };
    };
    show_silence_api_v1_silences__id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SilenceShape"];
                };
            };
        };
    };
    end_silence_api_v1_silences__id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    show_slurm_api_v1_slurm_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SlurmShape"];
                };
            };
        };
    };
    list_tokens_api_v1_tokens_get: {
        parameters: {
            query?: {
                owner?: string | null;
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_TokenShape_"];
                };
            };
        };
    };
    make_token_api_v1_tokens_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewTokenShape"];
                };
            };
        };
    };
    revoke_token_api_v1_tokens__id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_usage_api_v1_usage_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_UsageShape_"];
                };
            };
        };
    };
    list_users_api_v1_users_get: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_UserShape_"];
                };
            };
        };
    };
    add_user_api_v1_users_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserShape"];
                };
            };
        };
    };
    remove_user_api_v1_users__name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    change_user_api_v1_users__name__patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserShape"];
                };
            };
        };
    };
    version_api_v1_version_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionShape"];
                };
            };
        };
    };
    whoami_api_v1_whoami_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhoamiShape"];
                };
            };
        };
    };
    list_workloads_api_v1_workloads_get: {
        parameters: {
            query?: {
                node?: string | null;
                owner?: string | null;
                state?: components["schemas"]["WorkloadState"] | null;
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the answer before. */
                after?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageShape_WorkloadShape_"];
                };
            };
        };
    };
    show_metrics_metrics_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": string;
                    "text/plain": string;
                };
            };
        };
    };
}
