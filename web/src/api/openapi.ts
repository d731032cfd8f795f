// Made by `npm run generate` from docs/protocol/openapi.json: the schemas of the API. Not to be edited.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description What an attempt is for.
         * @enum {string}
         */
        AttemptPurpose: "render" | "audit";
        /** @description One try at a task. */
        AttemptView: {
            /**
             * Format: int64
             * @description CPU milliseconds, as its receipt says.
             */
            cpu_ms?: number | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended_at?: string | null;
            /** @description Why it ended. */
            ended_reason?: string | null;
            /**
             * Format: int32
             * @description The task's frame.
             */
            frame: number;
            /**
             * Format: date-time
             * @description When it was given.
             */
            granted_at: string;
            /**
             * Format: int64
             * @description Its number in the job.
             */
            id: number;
            /** @description Who renders it. */
            node: string;
            /**
             * Format: int64
             * @description The attempt it audits.
             */
            of?: number | null;
            /** @description The provider's price when it was given, in base units. */
            price_per_wu_hour: string;
            /** @description What for. */
            purpose: components["schemas"]["AttemptPurpose"];
            /** @description Why it went there. */
            reason: string;
            /**
             * Format: date-time
             * @description When it came to the head of its provider's queue.
             */
            started_at?: string | null;
            /** @description Where it stands. */
            state: string;
            /**
             * Format: int64
             * @description The task.
             */
            task: number;
        };
        /**
         * @description What an audit found.
         * @enum {string}
         */
        AuditOutcome: "open" | "passed" | "failed" | "inconclusive";
        /** @description The audits of a job. */
        AuditReport: {
            /**
             * Format: int64
             * @description Results drawn for an audit.
             */
            drawn: number;
            /**
             * Format: int64
             * @description Audits that did not.
             */
            failed: number;
            /**
             * Format: int64
             * @description Audits that could not tell.
             */
            inconclusive: number;
            /** @description Each of them, newest last. */
            items: components["schemas"]["AuditView"][];
            /**
             * Format: int64
             * @description Audits that agreed.
             */
            passed: number;
        };
        /** @description One audit. */
        AuditView: {
            /**
             * Format: date-time
             * @description When it was decided, or given out.
             */
            at: string;
            /**
             * Format: int64
             * @description The attempt that is audited.
             */
            attempt: number;
            /** @description Who renders it again. */
            auditor: string;
            /** @description The pixels compared. */
            crop: components["schemas"]["Rect"];
            /**
             * Format: int32
             * @description The task's frame.
             */
            frame: number;
            /** @description What it found. */
            outcome: components["schemas"]["AuditOutcome"];
            /** @description Who rendered it. */
            provider: string;
            /**
             * Format: int64
             * @description Its task.
             */
            task: number;
        };
        /** @description A new block. */
        BlockSealed: {
            /**
             * Format: date-time
             * @description When it was sealed.
             */
            at: string;
            /** @description Its hash. */
            hash: string;
            /**
             * Format: int64
             * @description Its number.
             */
            number: number;
            /**
             * Format: int64
             * @description How many transactions.
             */
            transactions: number;
        };
        /** @description A block. */
        BlockView: {
            /**
             * Format: date-time
             * @description When it was sealed.
             */
            at: string;
            /**
             * Format: int64
             * @description Its size in bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Gas at most.
             */
            gas_limit: number;
            /**
             * Format: int64
             * @description Gas used.
             */
            gas_used: number;
            /** @description Its hash. */
            hash: string;
            /**
             * Format: int64
             * @description Its number.
             */
            number: number;
            /** @description The hash of the one before. */
            parent: string;
            /** @description Who sealed it. */
            proposer: string;
            /** @description Hashes of its transactions. */
            transactions: string[];
        };
        /** @description A camera of the scene. */
        Camera: {
            /** @description Whether it is the scene's active one. */
            active: boolean;
            /** @description Frames at which a marker binds it. */
            marker_frames: number[];
            /** @description Its name. */
            name: string;
        };
        /** @description One log entry of a transaction. */
        ChainEventView: {
            /** @description The event's name; its topic where it is none of ours. */
            name: string;
            /** @description Its fields as a sentence. */
            text: string;
        };
        /** @description The chain in short. */
        ChainView: {
            /**
             * Format: double
             * @description Seconds between the last blocks, on average; none with fewer than two.
             */
            block_time_s?: number | null;
            /**
             * Format: int64
             * @description EIP-155 id.
             */
            chain_id: number;
            /** @description How blocks are ordered. */
            consensus: components["schemas"]["ConsensusView"];
            /**
             * Format: int64
             * @description Number of the newest block that stays.
             */
            finalized: number;
            /**
             * Format: int64
             * @description Number of the newest block.
             */
            height: number;
            /** @description Who seals, among the last blocks. */
            validators: components["schemas"]["ValidatorView"][];
        };
        /**
         * @description Where a task of a job of commands stands. Nobody checks what commands write, so none is ever verified.
         * @enum {string}
         */
        CommandState: "waiting" | "running" | "done" | "failed";
        /** @description One task of a job of commands. */
        CommandTask: {
            /**
             * Format: int32
             * @description Attempts made.
             */
            attempts: number;
            /**
             * Format: int64
             * @description Its number in the job.
             */
            id: number;
            /** @description The node of the last attempt, if it was another one than this. */
            node?: string | null;
            /**
             * Format: int32
             * @description Thousandths done, as its command says.
             */
            permille: number;
            /** @description Why the last attempt failed. */
            problem?: string | null;
            /** @description Where it stands. */
            state: components["schemas"]["CommandState"];
            /** @description What it does, as its command says. */
            status?: string | null;
            /** @description Its step. */
            step: string;
            /** @description Its values by parameter. */
            values: {
                [key: string]: string;
            };
        };
        /**
         * @description How blocks are ordered.
         * @enum {string}
         */
        ConsensusView: "solo" | "pow" | "pos" | "dpos" | "remote";
        /** @description A budget and the time it buys. */
        CurvePoint: {
            /** @description What would be locked, in base units. */
            budget: string;
            /** @description The most any provider may ask then. */
            price_cap: string;
            /**
             * Format: int32
             * @description Providers within the budget.
             */
            providers: number;
            /**
             * Format: double
             * @description Expected seconds until the last frame.
             */
            time_s: number;
        };
        /** @description A file the scene needs. */
        Dependency: {
            /** @description What it is: `image`, `library`, `font`, `cache`, `volume`, `include`… */
            kind: string;
            /** @description Where it is on this machine; `None` when packed. */
            path?: string | null;
            /** @description As the scene names it. */
            reference: string;
            /** @description Found, packed, missing, or waiting for consent. */
            state: components["schemas"]["DependencyState"];
        };
        /**
         * @description Where a dependency stands.
         * @enum {string}
         */
        DependencyState: "packed" | "found" | "missing" | "needs_consent";
        /**
         * @description The device a session renders on.
         * @enum {string}
         */
        Device: "auto" | "cpu" | "cuda" | "optix" | "hip" | "metal" | "oneapi";
        /** @description A copy of a job, with what is to be different. */
        DuplicateRequest: {
            /**
             * @description Fields of [`JobSettings`] that are to be different; those left out are the same.
             * @default {}
             */
            changes?: components["schemas"]["JobSettings"];
        };
        /** @description An engine of this machine. */
        EngineView: {
            /** @description The adapter: `blender`, `povray`. */
            name: string;
            /** @description Its version. */
            version: string;
        };
        /** @description A job's escrow. Deposited is always paid + refunded + locked. */
        EscrowView: {
            /** @description Locked at the start. */
            deposited: string;
            /** @description Still locked. */
            locked: string;
            /** @description Paid to providers on chain. */
            paid: string;
            /** @description Given back. */
            refunded: string;
        };
        /** @description Why a task went where it went. */
        Explanation: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description What was decided. */
            decision: string;
            /** @description Why. */
            reason: string;
        };
        /** @description Something a person should know about the scene. */
        Finding: {
            /** @description Stable word for programs: `unbaked_simulation`, `scripts_off`… */
            code: string;
            /** @description What was found, with the names of the things concerned. */
            message: string;
            /** @description What to do about it. */
            remedy: string;
            /** @description How grave it is. */
            severity: components["schemas"]["Severity"];
        };
        /** @description Frames per second: `numerator / denominator`. */
        FrameRate: {
            /**
             * Format: int32
             * @description In this many seconds.
             */
            denominator: number;
            /**
             * Format: int32
             * @description Frames.
             */
            numerator: number;
        };
        /** @description A scene to look at. */
        Inspection: {
            /** @description Missing files that are accepted, as the scene names them. */
            allow_missing?: string[];
            /** @description The job's frames; the file's own range by default. */
            frames?: number[] | null;
            /** @description Files of the node's machine outside the scene's folder that may travel; needs the scope `paths`. */
            include?: string[];
            /** @description Engine options, sorted. */
            options?: string[][];
            /** @description The renderer to use though the file asks for another. */
            renderer_override?: string | null;
            /** @description The scene. */
            scene: components["schemas"]["SceneSource"];
        };
        /** @description A ticket with which another machine joins. */
        InviteView: {
            /** @description The ticket. */
            ticket: string;
        };
        /** @description What may be changed of a job at any time. */
        JobChange: {
            /**
             * @description What people call it.
             * @default null
             */
            name?: string | null;
            /**
             * Format: int32
             * @description Which of this node's jobs goes first, -100 to 100.
             * @default null
             */
            priority?: number | null;
        };
        /**
         * @description What a job is made of.
         * @enum {string}
         */
        JobKind: "render" | "commands";
        /** @description How a job is to be rendered. Everything left out comes from the scene file. */
        JobSettings: {
            /**
             * @description Missing files that are accepted, as the scene names them.
             * @default []
             */
            allow_missing?: string[];
            /**
             * @description Start without another word once it is quoted; a quote above the budget is refused as ever. Needs the scope `spend`.
             * @default false
             */
            auto_start?: boolean;
            /**
             * @description The most the job may cost, in base units; the quote's upper price by default.
             * @default null
             */
            budget?: string | null;
            /**
             * Format: int64
             * @description Seconds from the start within which the job must be settled; one day by default.
             * @default 86400
             */
            deadline_s?: number;
            /**
             * @description Device that providers must render on.
             * @default cpu
             */
            device?: components["schemas"]["Device"];
            /** @default null */
            format?: components["schemas"]["OutputFormat"] | null;
            /**
             * @description Frames; the file's range by default, its current frame for stills.
             * @default null
             */
            frames?: number[] | null;
            /**
             * @description Keep the merged raw pictures beside the finished files.
             * @default false
             */
            keep_raw?: boolean;
            /**
             * @description What people call it; the scene's file name by default.
             * @default null
             */
            name?: string | null;
            /**
             * @description Engine options, sorted.
             * @default []
             */
            options?: string[][];
            /**
             * Format: int32
             * @description Which of this node's jobs goes first, -100 to 100.
             * @default 0
             */
            priority?: number;
            /**
             * Format: int32
             * @description Fewest providers to wait for before tasks are given out.
             * @default 1
             */
            providers_min?: number;
            /**
             * @description The renderer to use though the file asks for another: `cycles`.
             * @default null
             */
            renderer_override?: string | null;
            /** @default null */
            resolution?: components["schemas"]["ResolutionChoice"] | null;
            /**
             * Format: int32
             * @description Samples per pixel.
             * @default null
             */
            samples?: number | null;
            /**
             * @description Frames whose finished file exists already are left out.
             * @default false
             */
            skip_existing?: boolean;
            /**
             * @description Sample slices per tile.
             * @default auto
             */
            slices?: components["schemas"]["SliceChoice"];
            /**
             * @description Tiles per frame.
             * @default auto
             */
            tiles?: components["schemas"]["TileChoice"];
        };
        /**
         * @description Where a job stands.
         * @enum {string}
         */
        JobState: "analysing" | "probing" | "quoted" | "funding" | "rendering" | "settling" | "done" | "cancelled" | "failed";
        /** @description One job in a list. */
        JobSummary: {
            /** @description What is or will be locked, in base units. */
            budget: string;
            /**
             * Format: date-time
             * @description When it was created.
             */
            created_at: string;
            /**
             * Format: double
             * @description Seconds to go, when known.
             */
            eta_s?: number | null;
            /**
             * Format: date-time
             * @description When it became final.
             */
            finished_at?: string | null;
            /**
             * Format: int64
             * @description Frames of the job.
             */
            frames: number;
            /**
             * Format: int64
             * @description Frames finished.
             */
            frames_finished: number;
            /** @description Its id. */
            id: string;
            /** @description What it is made of. */
            kind?: components["schemas"]["JobKind"];
            /** @description What people call it. */
            name: string;
            /** @description What verified work has earned so far. */
            paid: string;
            /** @description Whether nothing new is given out. */
            paused: boolean;
            /**
             * Format: int32
             * @description Which of this node's jobs goes first.
             */
            priority: number;
            problem?: components["schemas"]["Problem"] | null;
            /**
             * Format: int32
             * @description Rendering progress in thousandths, running tasks counted in part.
             */
            progress_permille: number;
            /**
             * Format: date-time
             * @description When rendering began.
             */
            started_at?: string | null;
            /** @description Where it stands. */
            state: components["schemas"]["JobState"];
            /**
             * Format: int64
             * @description Tasks in the plan; 0 before the plan.
             */
            tasks: number;
            /**
             * Format: int64
             * @description Tasks verified.
             */
            tasks_verified: number;
        };
        /** @description Everything about one job. */
        JobView: components["schemas"]["JobSummary"] & {
            /**
             * Format: int64
             * @description Attempts made so far.
             */
            attempts: number;
            /** @description The money. */
            escrow: components["schemas"]["EscrowView"];
            facts?: components["schemas"]["SceneFacts"] | null;
            /** @description Frames of the job. */
            frame_numbers: number[];
            /** @description What happened, last lines. */
            log: string[];
            /** @description Finished files. */
            outputs: components["schemas"]["Output"][];
            /** @description Who rendered what. */
            providers: components["schemas"]["ProviderShare"][];
            quote?: components["schemas"]["QuoteView"] | null;
            resolution?: components["schemas"]["Resolution"] | null;
            /** @description The scene file on the node's machine. */
            scene: string;
            /** @description How it is rendered. */
            settings: components["schemas"]["JobSettings"];
            /** @description Transactions that settled the job. */
            settlement: components["schemas"]["SettlementView"];
            /** @description The steps of a job of commands. */
            steps?: components["schemas"]["StepView"][];
            /**
             * Format: double
             * @description Seconds since rendering began.
             */
            wall_s: number;
        };
        /** @description A list that is small enough for one answer. */
        List_Output: {
            /** @description All of it. */
            items: {
                /**
                 * Format: int64
                 * @description Its size in bytes.
                 */
                bytes: number;
                /**
                 * Format: int32
                 * @description Its frame, unless it is a film.
                 */
                frame?: number | null;
                /**
                 * Format: int64
                 * @description Its place in the list; stable once the job is final.
                 */
                index: number;
                /** @description What it holds. */
                kind: components["schemas"]["OutputKind"];
                /** @description Its media type. */
                media_type: string;
                /** @description Its file name. */
                name: string;
                /** @description Where it is on the node's machine. */
                path: string;
            }[];
        };
        /** @description A list that is small enough for one answer. */
        List_ProviderView: {
            /** @description All of it. */
            items: {
                /** @description The account that is paid. */
                account: string;
                /** @description Whether it renders for this node now. */
                busy: boolean;
                /** @description Comparison classes, one per engine, shortened. */
                classes: string[];
                /** @description What it renders on: `cpu`, `cuda`… */
                device: string;
                /** @description What this node has paid it. */
                earned: string;
                /** @description Engines and versions. */
                engines: string[];
                /** @description Node id. */
                id: string;
                /**
                 * Format: double
                 * @description Seconds since it was last heard of.
                 */
                last_seen_s: number;
                /**
                 * Format: int64
                 * @description Bytes one session may use.
                 */
                memory_bytes: number;
                /** @description Whether it is this node's own provider role. */
                own: boolean;
                /** @description Base units per WU-hour. */
                price_per_wu_hour: string;
                /** @description Whether it is known on chain. */
                registered: boolean;
                /**
                 * Format: double
                 * @description Measured round-trip time in milliseconds, when measured.
                 */
                rtt_ms?: number | null;
                /**
                 * Format: int64
                 * @description Its results that were rejected, over all jobs of this node.
                 */
                tasks_rejected: number;
                /**
                 * Format: int64
                 * @description Its tasks that were verified, over all jobs of this node.
                 */
                tasks_verified: number;
                /**
                 * Format: int32
                 * @description Threads per session.
                 */
                threads: number;
                /** @description Whose it is. */
                tier: components["schemas"]["ProviderTier"];
                /**
                 * Format: double
                 * @description Measured speed in WU per second.
                 */
                wu_per_second: number;
            }[];
        };
        /** @description A list that is small enough for one answer. */
        List_TokenView: {
            /** @description All of it. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /**
                 * Format: date-time
                 * @description When it expires.
                 */
                expires_at?: string | null;
                /** @description Its id. */
                id: string;
                /**
                 * Format: date-time
                 * @description When it was last used, to the minute.
                 */
                last_used_at?: string | null;
                /** @description What people call it. */
                name: string;
                /** @description What it opens. */
                scopes: components["schemas"]["Scope"][];
            }[];
        };
        /** @description A list that is small enough for one answer. */
        List_WebhookView: {
            /** @description All of it. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description Which events. */
                events: components["schemas"]["WebhookEvent"][];
                /**
                 * Format: int32
                 * @description Deliveries in a row that failed.
                 */
                failures: number;
                /** @description Its id. */
                id: string;
                /**
                 * Format: int32
                 * @description HTTP status of the last delivery.
                 */
                last_status?: number | null;
                /** @description Where events are posted. */
                url: string;
            }[];
        };
        /** @description A line of a log. */
        LogLine: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description What. */
            text: string;
        };
        /** @description A line of a job's log. */
        LogSaid: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description The job. */
            job: string;
            /** @description What. */
            text: string;
        };
        /** @description A log. */
        LogView: {
            /** @description Its last lines, oldest first. */
            lines: components["schemas"]["LogLine"][];
        };
        /** @description A token just made: the only time its secret is shown. */
        MadeToken: components["schemas"]["TokenView"] & {
            /** @description Its secret, for `Authorization: Bearer …`. */
            token: string;
        };
        /** @description A webhook just made: the only time its secret is shown. */
        MadeWebhook: components["schemas"]["WebhookView"] & {
            /** @description The key of its signatures: `Rayswarm-Signature: t=<seconds>,v1=<hex of HMAC-SHA256 over "<seconds>.<body>">`. */
            secret: string;
        };
        /** @description A job to be made. */
        NewJob: components["schemas"]["JobSettings"] & {
            /** @description Environment templates to enter around the template's own, outermost first; needs the scope `paths`. */
            environments?: string[];
            /** @description Files of the node's machine outside the scene's folder that may travel; needs the scope `paths`. */
            include?: string[];
            /** @description Folder of the node's machine for the finished files; needs the scope `paths`. By default the node keeps them. */
            output?: string | null;
            /**
             * @description Values of the template's parameters, where the scene is an Open Job Description template (`.yaml`, `.json`). Its
             *     commands begin at once; needs the scope `spend`.
             */
            parameters?: {
                [key: string]: string;
            };
            /** @description The scene. */
            scene: components["schemas"]["SceneSource"];
        };
        /** @description A token to be made. */
        NewToken: {
            /**
             * Format: int64
             * @description Seconds until it expires; never by default.
             */
            expires_in_s?: number | null;
            /** @description What people call it. */
            name: string;
            /** @description What it opens; no more than the token that makes it. */
            scopes: components["schemas"]["Scope"][];
        };
        /** @description What is to be uploaded. */
        NewUpload: {
            /** @description The files. */
            files: components["schemas"]["UploadFile"][];
            /** @description Which of them is the scene; empty for one `.zip`, in which it is looked for. */
            scene: string;
        };
        /** @description A webhook to be made. */
        NewWebhook: {
            /** @description Which events. */
            events: components["schemas"]["WebhookEvent"][];
            /** @description Where events are posted: https, or http on this machine. */
            url: string;
        };
        /** @description What may be changed while the node runs. */
        NodeChange: {
            /** @description What this node asks from now on, in base units per WU-hour. */
            price_per_wu_hour?: string | null;
            /** @description Rest as a provider: running tasks are finished, no others taken. */
            provider_paused?: boolean | null;
        };
        /** @description Something that happened on the node. The tag is the event's name, the content its data. */
        NodeEvent: {
            /** @description Events are lost: read everything anew. */
            data: components["schemas"]["Nothing"];
            /** @enum {string} */
            event: "reset";
        } | {
            /** @description A job was created or has changed. */
            data: components["schemas"]["JobSummary"];
            /** @enum {string} */
            event: "job";
        } | {
            /** @description Tasks have changed. */
            data: components["schemas"]["TasksChanged"];
            /** @enum {string} */
            event: "tasks";
        } | {
            /** @description A file is finished. */
            data: components["schemas"]["OutputMade"];
            /** @enum {string} */
            event: "output";
        } | {
            /** @description A job says something. */
            data: components["schemas"]["LogSaid"];
            /** @enum {string} */
            event: "log";
        } | {
            /** @description Who provides has changed: ask again. */
            data: components["schemas"]["Nothing"];
            /** @enum {string} */
            event: "providers";
        } | {
            /** @description A block was sealed. */
            data: components["schemas"]["BlockSealed"];
            /** @enum {string} */
            event: "block";
        };
        /** @description How the node was started. */
        NodeSettings: {
            /**
             * Format: int64
             * @description Bytes the cache of scenes may take.
             */
            cache_bytes: number;
            /** @description Where the HTTP API answers. */
            http: string;
            /**
             * Format: int64
             * @description Bytes one session may use as a provider.
             */
            memory_bytes?: number | null;
            /** @description What this node asks as a provider, in base units per WU-hour. */
            price_per_wu_hour?: string | null;
            /**
             * Format: int32
             * @description Threads of one session as a provider.
             */
            threads?: number | null;
        };
        /** @description The running node. */
        NodeView: {
            /**
             * Format: int64
             * @description Jobs that are not final.
             */
            active_jobs: number;
            /**
             * Format: int64
             * @description Chain id.
             */
            chain_id: number;
            /** @description Engines installed here. */
            engines: components["schemas"]["EngineView"][];
            /** @description Node id. */
            id: string;
            /** @description Whether the API answers this machine only. */
            loopback: boolean;
            /**
             * Format: int32
             * @description Process id.
             */
            pid: number;
            /** @description Whether its owner has asked the provider role to rest. */
            provider_paused: boolean;
            /** @description Whether the provider role has measured itself and takes tasks. */
            provider_ready: boolean;
            /** @description Whether the provider role is on. */
            provides: boolean;
            /** @description JSON-RPC address of the chain. */
            rpc: string;
            /** @description How engines are kept apart from the machine; a sentence. */
            sandbox: string;
            /** @description How the node was started. */
            settings: components["schemas"]["NodeSettings"];
            /**
             * Format: int64
             * @description Seconds since the node started.
             */
            uptime_s: number;
            /** @description Version of the program. */
            version: string;
        };
        /** @description An event without data. */
        Nothing: Record<string, never>;
        /** @description A finished file. */
        Output: {
            /**
             * Format: int64
             * @description Its size in bytes.
             */
            bytes: number;
            /**
             * Format: int32
             * @description Its frame, unless it is a film.
             */
            frame?: number | null;
            /**
             * Format: int64
             * @description Its place in the list; stable once the job is final.
             */
            index: number;
            /** @description What it holds. */
            kind: components["schemas"]["OutputKind"];
            /** @description Its media type. */
            media_type: string;
            /** @description Its file name. */
            name: string;
            /** @description Where it is on the node's machine. */
            path: string;
        };
        /**
         * @description A file format of finished frames or films.
         * @enum {string}
         */
        OutputFormat: "png" | "exr" | "exr-multilayer" | "jpeg" | "mp4" | "webm";
        /**
         * @description What a finished file holds.
         * @enum {string}
         */
        OutputKind: "frame" | "film" | "raw" | "file";
        /** @description A finished file. */
        OutputMade: {
            /** @description Its job. */
            job: string;
            /** @description The file. */
            output: components["schemas"]["Output"];
        };
        /** @description The file's own output settings. */
        OutputPattern: {
            /**
             * Format: int32
             * @description Bits per channel.
             */
            color_depth: number;
            /** @description Colour channels: `BW`, `RGB`, `RGBA`. */
            color_mode: string;
            /** @description Format, one of the `--format` words, or the engine's own word where none fits. */
            format: string;
            /** @description File name pattern without folder and extension; `#` stands for frame digits. */
            name: string;
            /** @description Whether file names tell the frame; a scene that is one picture needs none. */
            numbered?: boolean;
        };
        /** @description One page of a list. */
        Page_AttemptView: {
            /** @description What is on it, in the list's order. */
            items: {
                /**
                 * Format: int64
                 * @description CPU milliseconds, as its receipt says.
                 */
                cpu_ms?: number | null;
                /**
                 * Format: date-time
                 * @description When it ended.
                 */
                ended_at?: string | null;
                /** @description Why it ended. */
                ended_reason?: string | null;
                /**
                 * Format: int32
                 * @description The task's frame.
                 */
                frame: number;
                /**
                 * Format: date-time
                 * @description When it was given.
                 */
                granted_at: string;
                /**
                 * Format: int64
                 * @description Its number in the job.
                 */
                id: number;
                /** @description Who renders it. */
                node: string;
                /**
                 * Format: int64
                 * @description The attempt it audits.
                 */
                of?: number | null;
                /** @description The provider's price when it was given, in base units. */
                price_per_wu_hour: string;
                /** @description What for. */
                purpose: components["schemas"]["AttemptPurpose"];
                /** @description Why it went there. */
                reason: string;
                /**
                 * Format: date-time
                 * @description When it came to the head of its provider's queue.
                 */
                started_at?: string | null;
                /** @description Where it stands. */
                state: string;
                /**
                 * Format: int64
                 * @description The task.
                 */
                task: number;
            }[];
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_BlockView: {
            /** @description What is on it, in the list's order. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was sealed.
                 */
                at: string;
                /**
                 * Format: int64
                 * @description Its size in bytes.
                 */
                bytes: number;
                /**
                 * Format: int64
                 * @description Gas at most.
                 */
                gas_limit: number;
                /**
                 * Format: int64
                 * @description Gas used.
                 */
                gas_used: number;
                /** @description Its hash. */
                hash: string;
                /**
                 * Format: int64
                 * @description Its number.
                 */
                number: number;
                /** @description The hash of the one before. */
                parent: string;
                /** @description Who sealed it. */
                proposer: string;
                /** @description Hashes of its transactions. */
                transactions: string[];
            }[];
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_CommandTask: {
            /** @description What is on it, in the list's order. */
            items: {
                /**
                 * Format: int32
                 * @description Attempts made.
                 */
                attempts: number;
                /**
                 * Format: int64
                 * @description Its number in the job.
                 */
                id: number;
                /** @description The node of the last attempt, if it was another one than this. */
                node?: string | null;
                /**
                 * Format: int32
                 * @description Thousandths done, as its command says.
                 */
                permille: number;
                /** @description Why the last attempt failed. */
                problem?: string | null;
                /** @description Where it stands. */
                state: components["schemas"]["CommandState"];
                /** @description What it does, as its command says. */
                status?: string | null;
                /** @description Its step. */
                step: string;
                /** @description Its values by parameter. */
                values: {
                    [key: string]: string;
                };
            }[];
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Explanation: {
            /** @description What is on it, in the list's order. */
            items: {
                /**
                 * Format: date-time
                 * @description When.
                 */
                at: string;
                /** @description What was decided. */
                decision: string;
                /** @description Why. */
                reason: string;
            }[];
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_JobSummary: {
            /** @description What is on it, in the list's order. */
            items: {
                /** @description What is or will be locked, in base units. */
                budget: string;
                /**
                 * Format: date-time
                 * @description When it was created.
                 */
                created_at: string;
                /**
                 * Format: double
                 * @description Seconds to go, when known.
                 */
                eta_s?: number | null;
                /**
                 * Format: date-time
                 * @description When it became final.
                 */
                finished_at?: string | null;
                /**
                 * Format: int64
                 * @description Frames of the job.
                 */
                frames: number;
                /**
                 * Format: int64
                 * @description Frames finished.
                 */
                frames_finished: number;
                /** @description Its id. */
                id: string;
                /** @description What it is made of. */
                kind?: components["schemas"]["JobKind"];
                /** @description What people call it. */
                name: string;
                /** @description What verified work has earned so far. */
                paid: string;
                /** @description Whether nothing new is given out. */
                paused: boolean;
                /**
                 * Format: int32
                 * @description Which of this node's jobs goes first.
                 */
                priority: number;
                problem?: components["schemas"]["Problem"] | null;
                /**
                 * Format: int32
                 * @description Rendering progress in thousandths, running tasks counted in part.
                 */
                progress_permille: number;
                /**
                 * Format: date-time
                 * @description When rendering began.
                 */
                started_at?: string | null;
                /** @description Where it stands. */
                state: components["schemas"]["JobState"];
                /**
                 * Format: int64
                 * @description Tasks in the plan; 0 before the plan.
                 */
                tasks: number;
                /**
                 * Format: int64
                 * @description Tasks verified.
                 */
                tasks_verified: number;
            }[];
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_WalletEntry: {
            /** @description What is on it, in the list's order. */
            items: {
                /** @description How much, in base units. */
                amount: string;
                /**
                 * Format: date-time
                 * @description When.
                 */
                at: string;
                /**
                 * Format: int64
                 * @description Number of its block.
                 */
                block?: number | null;
                /** @description For which job. */
                job: string;
                /** @description What. */
                kind: components["schemas"]["WalletEntryKind"];
                /** @description The transaction. */
                transaction?: string | null;
            }[];
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
        };
        /**
         * @description What the values of a parameter are. All are given as texts.
         * @enum {string}
         */
        ParameterKind: "string" | "int" | "float" | "path" | "bool" | "range" | "list";
        /** @description What a template asks for. */
        ParameterView: {
            /** @description The only values it takes; any when empty. */
            allowed: string[];
            /** @description The control it is to be shown as, in the specification's word: `SPIN_BOX`, `HIDDEN`. */
            control?: string | null;
            /** @description Its value when nobody gives one. Paths are relative to the template. */
            default?: string | null;
            /** @description What it is for. */
            description?: string | null;
            flow?: components["schemas"]["PathFlow"] | null;
            /** @description The greatest value of a number. */
            greatest?: string | null;
            /** @description With which others it is to be shown. */
            group?: string | null;
            /** @description What its values are. */
            kind: components["schemas"]["ParameterKind"];
            /** @description What people call it. */
            label?: string | null;
            /** @description The least value of a number. */
            least?: string | null;
            /**
             * Format: int64
             * @description The most of them.
             */
            length_max?: number | null;
            /**
             * Format: int64
             * @description The fewest characters of a text, items of a list.
             */
            length_min?: number | null;
            /** @description Its name. */
            name: string;
            object?: components["schemas"]["PathObject"] | null;
        };
        /**
         * @description Which way the content of a path goes.
         * @enum {string}
         */
        PathFlow: "none" | "in" | "out" | "in_out";
        /**
         * @description What a path stands for.
         * @enum {string}
         */
        PathObject: "file" | "directory";
        /**
         * Format: int32
         * @description A number of at least one.
         */
        Positive: number;
        /** @description The body of every answer that is not a success. */
        Problem: {
            /** @description What failed, on which value. */
            detail: string;
            /** @description What to do next, where `detail` does not say it. */
            next_step?: string | null;
            /**
             * Format: int32
             * @description HTTP status.
             */
            status: number;
            /** @description The kind for people, the same for every occurrence. */
            title?: string;
            /** @description Stable word for programs: `scene_refused`, `budget_too_small`… */
            type: string;
        };
        /** @description One provider's part in a job. */
        ProviderShare: {
            /** @description The account that is paid. */
            account: string;
            /**
             * Format: int64
             * @description CPU milliseconds of the audits it rendered.
             */
            audit_cpu_ms: number;
            /**
             * Format: int64
             * @description Tasks of this provider that were audited.
             */
            audited: number;
            /**
             * Format: int64
             * @description Audits it rendered for others.
             */
            audits_rendered: number;
            /**
             * Format: int64
             * @description CPU milliseconds of its verified tasks.
             */
            cpu_ms: number;
            /** @description Node id. */
            id: string;
            /** @description Paid so far (vouchered, then settled). */
            paid: string;
            /**
             * Format: int64
             * @description Tasks verified.
             */
            tasks: number;
        };
        /**
         * @description Whose machine a provider is.
         * @enum {string}
         */
        ProviderTier: "private" | "open";
        /** @description A provider this node knows. */
        ProviderView: {
            /** @description The account that is paid. */
            account: string;
            /** @description Whether it renders for this node now. */
            busy: boolean;
            /** @description Comparison classes, one per engine, shortened. */
            classes: string[];
            /** @description What it renders on: `cpu`, `cuda`… */
            device: string;
            /** @description What this node has paid it. */
            earned: string;
            /** @description Engines and versions. */
            engines: string[];
            /** @description Node id. */
            id: string;
            /**
             * Format: double
             * @description Seconds since it was last heard of.
             */
            last_seen_s: number;
            /**
             * Format: int64
             * @description Bytes one session may use.
             */
            memory_bytes: number;
            /** @description Whether it is this node's own provider role. */
            own: boolean;
            /** @description Base units per WU-hour. */
            price_per_wu_hour: string;
            /** @description Whether it is known on chain. */
            registered: boolean;
            /**
             * Format: double
             * @description Measured round-trip time in milliseconds, when measured.
             */
            rtt_ms?: number | null;
            /**
             * Format: int64
             * @description Its results that were rejected, over all jobs of this node.
             */
            tasks_rejected: number;
            /**
             * Format: int64
             * @description Its tasks that were verified, over all jobs of this node.
             */
            tasks_verified: number;
            /**
             * Format: int32
             * @description Threads per session.
             */
            threads: number;
            /** @description Whose it is. */
            tier: components["schemas"]["ProviderTier"];
            /**
             * Format: double
             * @description Measured speed in WU per second.
             */
            wu_per_second: number;
        };
        /** @description Price and time with error bars, from a plan and the offers at hand. */
        QuoteView: {
            /** @description What the quote assumes, as sentences. */
            assumptions: string[];
            /** @description What is locked in escrow: the upper price and room for audits. */
            budget: string;
            /** @description Other budgets and the time they buy, cheapest first. In quotes of versions that did not say, empty. */
            curve?: components["schemas"]["CurvePoint"][];
            /**
             * Format: int64
             * @description Frames in the plan.
             */
            frames: number;
            /** @description Expected price of the render, in base units. */
            price: string;
            /** @description The most any provider may ask. */
            price_cap: string;
            /**
             * Format: int32
             * @description Providers the quote counts on.
             */
            providers: number;
            /** @description Picture size. In quotes of versions that did not say, 0x0. */
            resolution?: components["schemas"]["Resolution"];
            /**
             * Format: int64
             * @description Bytes of results that will travel.
             */
            result_bytes: number;
            /**
             * Format: int32
             * @description Samples per pixel. In quotes of versions that did not say, 0.
             */
            samples?: number;
            /**
             * Format: int64
             * @description Slices per tile.
             */
            slices: number;
            /**
             * Format: int64
             * @description Tasks in the plan.
             */
            tasks: number;
            /**
             * Format: int64
             * @description Tiles per frame.
             */
            tiles: number;
            /**
             * Format: double
             * @description Pessimistic seconds.
             */
            time_high_s: number;
            /**
             * Format: double
             * @description Optimistic seconds.
             */
            time_low_s: number;
            /**
             * Format: double
             * @description Expected seconds until the last frame.
             */
            time_s: number;
            /**
             * Format: int64
             * @description Estimated work in thousandths of a WU.
             */
            work: number;
        };
        /** @description A rectangle of pixels; `x` counts from the left, `y` from the top. */
        Rect: {
            /**
             * Format: int32
             * @description Pixels down.
             */
            height: number;
            /**
             * Format: int32
             * @description Pixels across.
             */
            width: number;
            /**
             * Format: int32
             * @description Left edge.
             */
            x: number;
            /**
             * Format: int32
             * @description Top edge.
             */
            y: number;
        };
        /** @description A picture to be rendered. */
        RenderRequest: {
            /** @description The same as `image_url`, which goes first. */
            imageUrl?: string | null;
            /** @description Where the picture is, `https://` or `http://`: a PNG or a JPEG. Needed, here or as `imageUrl`. */
            image_url?: string | null;
            /** @description The image model: its name, the first digits of its hash, or what it does, as in `style-transfer`. */
            model: string;
            /**
             * Format: int32
             * @description Per cent of the result that are the model's; 100 by default.
             */
            strength?: number | null;
            wait?: components["schemas"]["Wait"] | null;
        };
        /**
         * @description How far a picture is.
         * @enum {string}
         */
        RenderStatus: "success" | "accepted";
        /** @description A picture that is rendered, or being rendered. */
        Rendered: {
            /** @description Its job. */
            job_id: string;
            /** @description The same for people. */
            message: string;
            /** @description Where the picture is, once it is there; under the name by which the node was called. */
            output_url: string;
            /** @description How far it is. */
            status: components["schemas"]["RenderStatus"];
        };
        /** @description A picture's size in pixels. */
        Resolution: {
            /**
             * Format: int32
             * @description Pixels down.
             */
            height: number;
            /**
             * Format: int32
             * @description Pixels across.
             */
            width: number;
        };
        /** @description A size, or a share of the file's own. */
        ResolutionChoice: {
            /** @description Pixels. */
            exact: components["schemas"]["Resolution"];
        } | {
            /** @description Per cent of the file's size. */
            percent: components["schemas"]["Positive"];
        };
        /** @description How a job is to be tried again. */
        RetryRequest: {
            /**
             * @description As in [`JobSettings::auto_start`]; consent to the first try is no consent to another.
             * @default false
             */
            auto_start?: boolean;
        };
        /** @description Everything a plan, a quote or a person needs to know about a scene. Made by an engine adapter, never by a peer. */
        SceneFacts: {
            /** @description Whether sampling adapts to noise: then tiles are padded and slices refused. */
            adaptive_sampling: boolean;
            /** @description Cameras, and the frames they are bound to by markers. */
            cameras: components["schemas"]["Camera"][];
            /** @description Whether the finishing pass runs a compositor tree. */
            compositor: boolean;
            /** @description Whether the finishing pass denoises. */
            denoise: boolean;
            /** @description Files the scene needs. */
            dependencies: components["schemas"]["Dependency"][];
            /** @description The adapter that renders it: `blender`, `povray`. */
            engine: string;
            /** @description The adapter's version that inspected it, for example `4.5.15`. */
            engine_version: string;
            /** @description What a person should know: refusals, warnings, notes. */
            findings: components["schemas"]["Finding"][];
            /**
             * Format: int32
             * @description Last frame of the file's range, inclusive.
             */
            frame_end: number;
            /** @description Frames per second as a fraction (`fps`, `fps_base × 1000`). */
            frame_rate: components["schemas"]["FrameRate"];
            /**
             * Format: int32
             * @description First frame of the file's range.
             */
            frame_start: number;
            /**
             * Format: int32
             * @description Every how many frames.
             */
            frame_step: number;
            /** @description Why only frames of the file's range can be rendered, and what to do about it, if that is so. */
            frames_bounded?: string | null;
            /**
             * Format: int64
             * @description Memory one session is expected to need.
             */
            memory_estimate: number;
            /** @description Where and how the file itself would write its pictures. */
            output: components["schemas"]["OutputPattern"];
            /**
             * Format: int32
             * @description Pixel aspect `x / y` in thousandths; 1000 is square.
             */
            pixel_aspect_milli: number;
            /** @description The renderer the file asks for: `CYCLES`, `BLENDER_EEVEE_NEXT`, `povray`. */
            renderer: string;
            /** @description Why the engine repeats this scene within rounding only, if it does: audits then tolerate the last bits. */
            repeats_roughly?: string | null;
            /** @description Final picture size with the file's percentage applied, before any border. */
            resolution: components["schemas"]["Resolution"];
            /**
             * Format: int32
             * @description Samples per pixel; 1 for engines without samples.
             */
            samples: number;
            /** @description The program and version that saved the file, as far as it says. */
            saved_by: string;
            /** @description Whether frames must be played in order in one session (simulation that is not baked). */
            sequential: boolean;
            /** @description Why sample slices are not possible, if they are not. */
            slices_refused?: string | null;
            /**
             * Format: int32
             * @description Pixels of padding a tile needs to equal the whole picture.
             */
            tile_padding: number;
            /**
             * Format: int32
             * @description Side of the squares on whose grid the engine computes, from the top left: tiles that end elsewhere are exact
             *     too, but cost as much as the squares they touch. 1 for engines that compute pixel by pixel.
             */
            tile_step?: number;
            /** @description Whether tiles are exact for this scene; if not, a frame is one task. */
            tiles_exact: boolean;
            /** @description View layers that are rendered. */
            view_layers: components["schemas"]["ViewLayer"][];
        };
        /** @description Where a scene comes from. */
        SceneSource: {
            /** @description A finished upload. */
            upload: string;
        } | {
            /** @description A file of the node's machine; needs the scope `paths`. */
            path: string;
        };
        /**
         * @description What a token opens.
         * @enum {string}
         */
        Scope: "read" | "jobs" | "spend" | "node" | "tokens" | "paths";
        /** @description The transactions of a job. */
        SettlementView: {
            /**
             * Format: int64
             * @description Gas of all of them.
             */
            gas_used: number;
            /** @description Transaction hashes, in order. */
            transactions: string[];
        };
        /**
         * @description How grave a finding is.
         * @enum {string}
         */
        Severity: "note" | "warning" | "refusal";
        /** @description The name of a chunk. */
        Sha256: string;
        /** @description Sample slices per tile. */
        SliceChoice: "auto" | {
            /** @description This many. */
            count: components["schemas"]["Positive"];
        };
        /** @description The quote is accepted. */
        StartRequest: {
            /**
             * @description A budget of the quote's curve or between its points; the quote's own by default.
             * @default null
             */
            budget?: string | null;
        };
        /** @description One step of a job of commands. */
        StepView: {
            /** @description Its name. */
            name: string;
            /**
             * Format: int64
             * @description Tasks it has.
             */
            tasks: number;
            /**
             * Format: int64
             * @description Tasks done.
             */
            tasks_done: number;
            /** @description The steps that must be done before. */
            waits_for: string[];
        };
        /** @description Tasks in the plan's order. */
        TaskPage: {
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
            /**
             * Format: int64
             * @description Ask again with `since` this for what has changed.
             */
            rev: number;
            /** @description The tasks. */
            tasks: components["schemas"]["TaskRow"][];
        };
        /** @description One task of the mosaic. */
        TaskRow: {
            /**
             * Format: int32
             * @description Attempts made, audits left out.
             */
            attempts: number;
            /**
             * Format: int32
             * @description Its frame.
             */
            frame: number;
            /**
             * Format: int64
             * @description Its number in the plan.
             */
            id: number;
            /** @description Who has or had it last. */
            node?: string | null;
            /**
             * Format: int32
             * @description Thousandths done.
             */
            permille: number;
            /**
             * Format: int64
             * @description Grows with each change of any task; the page's `rev` when this one changed last.
             */
            rev: number;
            /**
             * Format: int32
             * @description Which slice of the samples.
             */
            slice: number;
            /**
             * Format: int32
             * @description Of how many.
             */
            slices: number;
            /** @description Where it stands. */
            state: components["schemas"]["TaskState"];
            /** @description Its pixels, from the top left. */
            tile: components["schemas"]["Rect"];
        };
        /**
         * @description Where a task stands.
         * @enum {string}
         */
        TaskState: "waiting" | "given" | "rendering" | "delivered" | "auditing" | "verified" | "failed";
        /** @description Tasks that have changed. */
        TasksChanged: {
            /** @description Their job. */
            job: string;
            /**
             * Format: int64
             * @description The job's `rev` after the change.
             */
            rev: number;
            /** @description The tasks as they are now. */
            tasks: components["schemas"]["TaskRow"][];
        };
        /** @description A template to look at. */
        TemplateInspection: {
            /** @description The template, or the upload of its bundle. */
            scene: components["schemas"]["SceneSource"];
        };
        /** @description One step of a template. */
        TemplateStep: {
            /** @description Its name. */
            name: string;
            /**
             * Format: int64
             * @description Tasks it has with these values; none where no job can be made of them.
             */
            tasks?: number | null;
            /** @description The steps that must be done before. */
            waits_for: string[];
        };
        /** @description A template, with the values that its bundle brings along. */
        TemplateView: {
            /** @description Whether the bundle wants its job paused until it is resumed. */
            begins_paused: boolean;
            /** @description What it is for. */
            description?: string | null;
            /** @description Why no job can be made of these values: a parameter has none, for instance. */
            incomplete?: string | null;
            /** @description The job's name with these values; as the template writes it where no job can be made of them. */
            name: string;
            /** @description What it asks for, in its order. */
            parameters: components["schemas"]["ParameterView"][];
            /** @description Its steps, in its order. */
            steps: components["schemas"]["TemplateStep"][];
            /** @description Values by parameter that the bundle brings along: they go before defaults. */
            values: {
                [key: string]: string;
            };
        };
        /** @description Tiles per frame. */
        TileChoice: "auto" | {
            /** @description Columns and rows. */
            grid: components["schemas"]["Positive"][];
        };
        /** @description A token, without its secret. */
        TokenView: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it expires.
             */
            expires_at?: string | null;
            /** @description Its id. */
            id: string;
            /**
             * Format: date-time
             * @description When it was last used, to the minute.
             */
            last_used_at?: string | null;
            /** @description What people call it. */
            name: string;
            /** @description What it opens. */
            scopes: components["schemas"]["Scope"][];
        };
        /** @description A transaction. */
        TransactionView: {
            /**
             * Format: int64
             * @description Number of its block.
             */
            block: number;
            /** @description What it made known. */
            events: components["schemas"]["ChainEventView"][];
            /** @description Who sent it. */
            from: string;
            /**
             * Format: int64
             * @description Gas used.
             */
            gas_used: number;
            /** @description Its hash. */
            hash: string;
            /** @description The function called, where it is one of ours. */
            method?: string | null;
            /** @description Whether it succeeded. */
            ok: boolean;
            /** @description Whom it calls; none when it makes a contract. */
            to?: string | null;
            /** @description Native coin sent along, in wei. */
            value: string;
        };
        /** @description One file of an upload. */
        UploadFile: {
            /**
             * Format: int64
             * @description Its length in bytes.
             */
            bytes: number;
            /** @description SHA-256 of each chunk of 4 MiB in order, as lower-case hexadecimal digits. */
            chunks: components["schemas"]["Sha256"][];
            /** @description Where it belongs beside the others: relative, separated by `/`, without `..`. */
            path: string;
        };
        /** @description An upload as it stands. */
        UploadView: {
            /**
             * Format: int64
             * @description Bytes of all of them.
             */
            bytes: number;
            /** @description Whether the files are put together, so that jobs may name it. */
            complete: boolean;
            /**
             * Format: date-time
             * @description When it is forgotten unless a job uses it.
             */
            expires_at: string;
            /**
             * Format: int64
             * @description How many files.
             */
            files: number;
            /** @description Its id. The same list of files has the same id. */
            id: string;
            /** @description Chunks the node lacks, at most 10,000 of them. */
            missing: string[];
            /** @description The scene's path among the files. */
            scene: string;
        };
        /** @description Who seals. */
        ValidatorView: {
            /** @description Its account. */
            account: string;
            /**
             * Format: int64
             * @description Blocks it sealed among the last hundred.
             */
            blocks: number;
            /** @description Its voting power; 1 where there is none. */
            weight: string;
        };
        /** @description A view layer that is rendered. */
        ViewLayer: {
            /** @description Its name. */
            name: string;
            /** @description Passes the outputs, denoiser or compositor read. */
            passes: string[];
        };
        /** @description A promise of payment this node holds. */
        VoucherView: {
            /** @description All that was earned in the job. */
            cumulative: string;
            /**
             * Format: date-time
             * @description Until when it can be redeemed.
             */
            deadline: string;
            /** @description The job it was given in. */
            job: string;
        };
        /** @description How long an answer may take. */
        Wait: boolean | number;
        /** @description One line of the wallet's history. */
        WalletEntry: {
            /** @description How much, in base units. */
            amount: string;
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /**
             * Format: int64
             * @description Number of its block.
             */
            block?: number | null;
            /** @description For which job. */
            job: string;
            /** @description What. */
            kind: components["schemas"]["WalletEntryKind"];
            /** @description The transaction. */
            transaction?: string | null;
        };
        /**
         * @description What moved money.
         * @enum {string}
         */
        WalletEntryKind: "opened" | "paid" | "refunded" | "earned";
        /** @description The wallet of this node. */
        WalletView: {
            /** @description The account. */
            account: string;
            /**
             * Format: int64
             * @description Chain id.
             */
            chain_id: number;
            /** @description Escrow contract. */
            escrow: string;
            /** @description Whether test money can be had: on the development chain only. */
            faucet: boolean;
            /** @description Locked in the escrow by this node's jobs. */
            locked: string;
            /** @description Native coin for fees, in wei. */
            native: string;
            /** @description Registry contract. */
            registry: string;
            /** @description JSON-RPC address of the chain. */
            rpc: string;
            /** @description Payment token contract. */
            token: string;
            /**
             * Format: int32
             * @description Decimals of the payment token.
             */
            token_decimals: number;
            /** @description Its symbol. */
            token_symbol: string;
            /** @description Payment token balance in base units. */
            tokens: string;
            /** @description Vouchers this node holds as a provider and has not redeemed. */
            vouchers: components["schemas"]["VoucherView"][];
        };
        /**
         * @description An event that webhooks can be told. The others come by the thousand and are for the event stream.
         * @enum {string}
         */
        WebhookEvent: "job" | "output" | "providers" | "block";
        /** @description A webhook. */
        WebhookView: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Which events. */
            events: components["schemas"]["WebhookEvent"][];
            /**
             * Format: int32
             * @description Deliveries in a row that failed.
             */
            failures: number;
            /** @description Its id. */
            id: string;
            /**
             * Format: int32
             * @description HTTP status of the last delivery.
             */
            last_status?: number | null;
            /** @description Where events are posted. */
            url: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
