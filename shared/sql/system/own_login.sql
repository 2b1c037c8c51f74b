select session_user::text as name
