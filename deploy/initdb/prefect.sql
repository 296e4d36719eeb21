CREATE DATABASE prefect;  -- Prefect's own; the store's database is made by the image
